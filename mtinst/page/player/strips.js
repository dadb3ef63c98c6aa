// The mixer's rows: one for each instrument that has notes, with solo, mute, volume and place between left and right.
(() => {
  class Strips {
    // `template` is the row's; `onChange(name, changes)` is told what somebody wants.
    constructor(list, template, onChange) {
      this.list = list;
      this.template = template;
      this.onChange = onChange;
      this.rows = new Map(); // name -> {row, solo, mute, volume, pan, level}
    }

    show(instruments, parts) {
      this.rows.clear();
      const rows = instruments.filter((one) => one.notes.length).map((one) => this.make(one, parts.get(one.name)));
      this.list.replaceChildren(...rows);
    }

    make(instrument, part = { volume: 0.9, pan: 0 }) {
      const { name, label, notes, key } = instrument;
      const row = this.template.content.firstElementChild.cloneNode(true);
      const find = (what) => row.querySelector(`.mtp-${what}`);
      const strip = { row, solo: find("solo"), mute: find("mute"), volume: find("volume"), pan: find("pan") };
      strip.level = find("level");
      this.rows.set(name, strip);
      row.dataset.part = name;
      row.style.setProperty("--mt-on-light", instrument.light);
      row.style.setProperty("--mt-on-dark", instrument.dark);
      row.querySelector("b").textContent = label;
      row.querySelector("small").textContent = notes.length === 1 ? "1 note" : `${notes.length} notes`;
      row.querySelector("kbd").textContent = key;
      strip.solo.setAttribute("aria-label", `Solo ${label}`);
      strip.mute.setAttribute("aria-label", `Mute ${label}`);
      strip.volume.setAttribute("aria-label", `Volume of ${label}`);
      strip.pan.setAttribute("aria-label", `Left or right: ${label}`);
      setSlider(strip.volume, 100 * part.volume);
      setPan(strip.pan, 100 * part.pan);
      strip.solo.addEventListener("click", () => this.onChange(name, { soloed: strip.solo.ariaPressed !== "true" }));
      strip.mute.addEventListener("click", () => this.onChange(name, { muted: strip.mute.ariaPressed !== "true" }));
      strip.volume.addEventListener("input", () => {
        setSlider(strip.volume, strip.volume.value);
        this.onChange(name, { volume: strip.volume.value / 100 });
      });
      const turn = (value) => {
        setPan(strip.pan, value);
        this.onChange(name, { pan: strip.pan.value / 100 });
      };
      strip.pan.addEventListener("input", () => turn(Math.abs(strip.pan.value) < 6 ? 0 : strip.pan.value));
      strip.pan.addEventListener("dblclick", () => turn(0));
      return row;
    }

    update(mixer) {
      for (const [name, { row, ...controls }] of this.rows) {
        const part = mixer.parts.get(name);
        controls.solo.ariaPressed = String(part?.soloed ?? false);
        controls.mute.ariaPressed = String(part?.muted ?? false);
        row.classList.toggle("is-silent", !mixer.isHeard(name));
        for (const what of ["solo", "mute", "volume", "pan"]) controls[what].disabled = !part;
      }
    }

    // Who sounds now, and how loud.
    light(mixer, notes) {
      const sounding = new Set(mixer.playing ? notes.map((one) => one.instrument.name) : []);
      for (const [name, { row, level }] of this.rows) {
        row.classList.toggle("is-sounding", sounding.has(name) && mixer.isHeard(name));
        const loudness = mixer.playing ? Math.min(1, Math.sqrt(2.5 * mixer.level(name))) : 0;
        level.style.transform = `scaleX(${loudness.toFixed(3)})`;
      }
    }
  }

  // Move a slider, and colour its track up to there.
  function setSlider(slider, value) {
    slider.value = value;
    const share = (slider.value - slider.min) / (slider.max - slider.min);
    slider.style.setProperty("--mt-fill", `${100 * share}%`);
  }

  // The same for one whose rest is in the middle.
  function setPan(slider, value) {
    slider.value = value;
    const share = (slider.value - slider.min) / (slider.max - slider.min);
    slider.style.setProperty("--mt-from", `${100 * Math.min(0.5, share)}%`);
    slider.style.setProperty("--mt-fill", `${100 * Math.max(0.5, share)}%`);
    const side = slider.value < 0 ? "left" : "right";
    slider.setAttribute("aria-valuetext", Number(slider.value) ? `${Math.abs(slider.value)} % ${side}` : "middle");
  }

  window.mtinst = { ...window.mtinst, Strips, setSlider };
})();
