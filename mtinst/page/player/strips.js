// The mixer's rows: one for each instrument that has notes, with solo, mute, volume and place between left and right.

import { copyOf, dye, find } from "./dom.js";

/** @typedef {import("./levels.js").Part} Part */

/** @typedef {ReturnType<Strips["make"]>} Strip */

export class Strips {
  /**
   * @param {HTMLElement} list
   * @param {HTMLTemplateElement} template of a row
   * @param {(name: string, changes: Partial<Part>) => void} onChange told what somebody wants
   */
  constructor(list, template, onChange) {
    this.list = list;
    this.template = template;
    this.onChange = onChange;
    /** @type {Map<string, Strip>} */
    this.strips = new Map(); // by name
  }

  /** @param {import("./song.js").Instrument[]} instruments @param {Map<string, Part>} parts */
  show(instruments, parts) {
    const shown = instruments.filter((one) => one.notes.length);
    this.strips = new Map(shown.map((one) => [one.name, this.make(one, parts.get(one.name))]));
    this.list.replaceChildren(...[...this.strips.values()].map(({ row }) => row));
  }

  /** @param {import("./song.js").Instrument} instrument */
  make(instrument, { volume, pan } = { volume: 0.9, pan: 0 }) {
    const { name, label, notes, key } = instrument;
    const row = copyOf(this.template);
    const strip = {
      row,
      solo: find(row, "solo", HTMLButtonElement),
      mute: find(row, "mute", HTMLButtonElement),
      volume: find(row, "volume", HTMLInputElement),
      pan: find(row, "pan", HTMLInputElement),
      level: find(row, "level"),
    };
    dye(row, instrument);
    find(row, "who-name").textContent = label;
    find(row, "count").textContent = notes.length === 1 ? "1 note" : `${notes.length} notes`;
    find(row, "key").textContent = key;
    strip.solo.setAttribute("aria-label", `Solo ${label}`);
    strip.mute.setAttribute("aria-label", `Mute ${label}`);
    strip.solo.title = `Solo (shift ${key})`;
    strip.mute.title = `Mute (${key})`;
    strip.volume.setAttribute("aria-label", `Volume of ${label}`);
    strip.pan.setAttribute("aria-label", `Left or right: ${label}`);
    setSlider(strip.volume, 100 * volume);
    setPan(strip.pan, 100 * pan);
    strip.solo.addEventListener("click", () => this.onChange(name, { soloed: strip.solo.ariaPressed !== "true" }));
    strip.mute.addEventListener("click", () => this.onChange(name, { muted: strip.mute.ariaPressed !== "true" }));
    strip.volume.addEventListener("input", () => {
      setSlider(strip.volume, strip.volume.valueAsNumber);
      this.onChange(name, { volume: strip.volume.valueAsNumber / 100 });
    });
    const turn = (/** @type {number} */ value) => {
      setPan(strip.pan, value);
      this.onChange(name, { pan: strip.pan.valueAsNumber / 100 });
    };
    strip.pan.addEventListener("input", () => turn(snapped(strip.pan.valueAsNumber)));
    strip.pan.addEventListener("dblclick", () => turn(0));
    return strip;
  }

  /** @param {import("./mixer.js").Mixer} mixer */
  update(mixer) {
    for (const [name, { row, solo, mute, volume, pan }] of this.strips) {
      const part = mixer.parts.get(name);
      solo.ariaPressed = String(part?.soloed ?? false);
      mute.ariaPressed = String(part?.muted ?? false);
      row.classList.toggle("is-silent", !mixer.isHeard(name));
      for (const control of [solo, mute, volume, pan]) control.disabled = !part;
    }
  }

  /**
   * Who sounds now, and how loud.
   *
   * @param {import("./mixer.js").Mixer} mixer
   * @param {import("./song.js").Note[]} notes
   */
  light(mixer, notes) {
    const sounding = new Set(mixer.playing ? notes.map((one) => one.instrument.name) : []);
    for (const [name, { row, level }] of this.strips) {
      row.classList.toggle("is-sounding", sounding.has(name) && mixer.isHeard(name));
      const loudness = mixer.playing ? Math.min(1, Math.sqrt(2.5 * mixer.level(name))) : 0;
      level.style.transform = `scaleX(${loudness.toFixed(3)})`;
    }
  }
}

/**
 * Left and right in percent, with room for the middle.
 *
 * @param {number} pan
 */
export const snapped = (pan) => (Math.abs(pan) < 6 ? 0 : pan);

/**
 * Put a slider's thumb there; how far along that is, from 0 to 1.
 *
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
function move(slider, value) {
  slider.value = String(value);
  const [low, high] = [Number(slider.min), Number(slider.max)];
  return (slider.valueAsNumber - low) / (high - low);
}

/**
 * Move a slider, and colour its track up to there.
 *
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
export function setSlider(slider, value) {
  slider.style.setProperty("--mt-fill", `${100 * move(slider, value)}%`);
}

/**
 * The same for one whose rest is in the middle.
 *
 * @param {HTMLInputElement} slider
 * @param {number} value
 */
function setPan(slider, value) {
  const share = move(slider, value);
  slider.style.setProperty("--mt-from", `${100 * Math.min(0.5, share)}%`);
  slider.style.setProperty("--mt-fill", `${100 * Math.max(0.5, share)}%`);
  const pan = slider.valueAsNumber;
  slider.setAttribute("aria-valuetext", pan ? `${Math.abs(pan)} % ${pan < 0 ? "left" : "right"}` : "middle");
}
