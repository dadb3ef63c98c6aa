// The player: shows the song that the page names, and joins the mixer, the pictures and the controls.


import { copyOf, dye, find } from "./dom.js";
import { Editing } from "./editing.js";
import { Gestures } from "./gestures.js";
import { Ghosts } from "./ghosts.js";
import { listenToKeys } from "./keys.js";
import { Lanes } from "./lanes.js";
import { markedLoop, newLoop } from "./loop.js";
import { Mixer } from "./mixer.js";
import { Score } from "./score.js";
import { Shares } from "./shares.js";
import { clock, loadProbabilities, unpackSong } from "./song.js";
import { Strips, setSlider } from "./strips.js";
import { Timing } from "./timing.js";

/** @typedef {import("./stems.js").Loop} Loop */

/**
 * What the page wants to have shown: the addresses of what is loaded.
 *
 * @typedef {object} Value
 * @property {string | null} [song] of a song's record (see song.py); without one nothing is shown
 * @property {Files | null} [files] null while the parts are being made
 * @property {string} [source] stays the same as long as it is one song; the record's address where it is not said
 * @property {string} [probabilities] of what `write_probabilities` writes
 * @property {string | null} [score] of what `to_pages` gives, compressed by zlib
 * @property {string} [ghosts] of what `ghost_records` gives
 * @property {boolean} [partial] the rest of the song is still being heard
 * @property {number} [version] an older value never replaces a newer one
 */

/** @typedef {{ original: string, parts: Record<string, string> }} Files of sound: the song itself, and parts by instrument */

const NO_OUTPUT = "The sound could not be started: check this device's audio output, then press Play again.";

export class Player {
  /** @param {HTMLElement} root what the template holds */
  constructor(root) {
    this.root = root;
    this.mixer = new Mixer(() => (this.say(NO_OUTPUT), this.update()));
    this.lanes = new Lanes(root);
    /** @type {import("./song.js").Song | null} */
    this.song = null;
    /** @type {Value | null} */
    this.value = null;
    this.version = -Infinity;
    /** @type {string | null} */
    this.asked = null; // the value as text, but for its version
    /** @type {string | null} */
    this.shownSong = null; // this and the next two: of the value before
    /** @type {string | null} */
    this.shownSource = null;
    /** @type {string | null} */
    this.shownFiles = null;
    /** @type {{ url: string, planes: Uint8Array[] } | null} */
    this.probabilities = null; // once they were wanted
    this.wantsProbabilities = false;
    /** @type {Loop | null} */
    this.preview = null; // while it is dragged
    this.follows = true;
    /** @type {Map<string, HTMLElement>} */
    this.names = new Map(); // buttons that pick out an instrument
    this.drawnTime = "";
    this.frame = 0;
    this.editing = new Editing(this);
    this.timing = new Timing(this);
    this.score = new Score(this);
    this.ghosts = new Ghosts(this);
    this.shares = new Shares(this);
    /** @type {import("./roll.js").Look} */
    this.look = {
      isHeard: (name) => this.mixer.isHeard(name),
      spotlight: null,
      loop: null,
      loops: false,
      probabilities: null,
      compares: false,
      editing: this.editing,
      ghosts: this.ghosts,
    };
    this.strips = new Strips(this.find("rows"), this.find("row-template", HTMLTemplateElement), (name, changes) => {
      this.mixer.set(name, changes);
      this.update();
    });
    this.gestures = new Gestures(this);
    this.listen();
    listenToKeys(this);
  }

  /**
   * @template {Element} [T=HTMLElement]
   * @param {string} name
   * @param {new () => T} [kind]
   */
  find(name, kind) {
    return find(this.root, name, kind);
  }

  /** @param {string} name */
  slider(name) {
    return this.find(name, HTMLInputElement);
  }

  listen() {
    const onClick = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      this.find(name).addEventListener("click", act);
    const onSlide = (/** @type {string} */ name, /** @type {(share: number) => void} */ act) => {
      const slider = this.slider(name);
      slider.addEventListener("input", () => act(slider.valueAsNumber));
    };
    onClick("play", () => this.toggle());
    onClick("hear-original", () => this.setFade(0));
    onClick("hear-notes", () => this.setFade(1));
    onClick("larger", () => this.zoom(1.6));
    onClick("smaller", () => this.zoom(1 / 1.6));
    onClick("whole", () => this.zoom(0));
    onClick("follow", () => this.setFollow(!this.follows));
    onClick("loop", () => this.toggleLoop());
    onClick("loop-start", () => this.markLoop("start"));
    onClick("loop-end", () => this.markLoop("end"));
    onClick("normal-speed", () => this.setSpeed(1));
    onClick("show-probabilities", () => this.toggleProbabilities());
    onClick("compare", () => this.toggleComparison());
    onSlide("position", (value) => this.seek((value / 1000) * this.mixer.duration));
    onSlide("fade", (value) => this.setFade(value / 100));
    onSlide("speed", (value) => this.setSpeed(value / 100));
    new ResizeObserver(() => (this.lanes.measure(), this.draw())).observe(this.root);
    new MutationObserver(() => this.repaint()).observe(document.body, { attributeFilter: ["class"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  /** @param {Value | null} value */
  async show(value) {
    const { version = this.version, ...content } = value ?? {};
    if (version < this.version) return;
    this.version = version;
    const asked = JSON.stringify(content);
    if (asked === this.asked) return; // on show, or on its way
    this.asked = asked;
    this.value = value;
    const song = value?.song;
    if (!value || !song) return this.empty();
    try {
      if (song !== this.shownSong) await this.showSong(value, song);
      if (this.value !== value) return;
      this.score.show();
      if (value.partial) this.say("The rest of the song is still being listened to …");
      else if (!value.files) this.say("The parts are being played …");
      else if (JSON.stringify(value.files) !== this.shownFiles) await this.loadFiles(value, value.files);
    } catch (error) {
      if (this.value === value) {
        this.asked = null;
        this.say("The song could not be loaded; transcribe it once more.");
      }
      console.warn(error);
    }
    this.update();
  }

  /** @param {Value} value @param {string} url */
  async showSong(value, url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} for ${url}`);
    const song = unpackSong(await response.json());
    if (this.value !== value) return;
    const source = value.source ?? url;
    const isSameSource = source === this.shownSource;
    if (!isSameSource) this.forget();
    else this.mixer.outdate();
    const names = song.instruments.map((one) => one.name);
    this.mixer.expect(names, song.duration);
    this.shownSong = url;
    this.shownSource = source;
    this.shownFiles = null;
    this.song = song;
    this.root.dataset.state = "shown";
    this.find("compare").hidden = !song.reference;
    if (!song.reference) this.look.compares = false;
    if (!isSameSource) this.nameLanes(song.instruments);
    this.lanes.show(song, isSameSource);
    this.strips.show(song.instruments, this.mixer.settings);
    this.timing.show();
    this.editing.show(isSameSource);
    this.update();
    await Promise.all([this.refreshProbabilities(), this.ghosts.refresh()]);
    if (!isSameSource) this.root.dispatchEvent(new Event("mtinst-song", { bubbles: true }));
  }

  /** @param {Value} value @param {Files} files */
  async loadFiles(value, files) {
    this.say("Loading the parts …");
    const say = (/** @type {number} */ done, /** @type {number} */ total) => {
      if (this.value === value) this.say(`Loading the parts: ${done} of ${total} …`);
    };
    if (!(await this.mixer.load(files.original, files.parts, say))) return;
    this.shownFiles = JSON.stringify(files);
    this.say("");
  }

  empty() {
    this.forget();
    this.song = this.shownSong = this.shownFiles = this.shownSource = null;
    this.root.dataset.state = "empty";
  }

  // What belongs to one song and not to the next.
  forget() {
    this.mixer.clear();
    Object.assign(this.look, { spotlight: null, probabilities: null, compares: false });
    this.lanes.forget();
    this.ghosts.forget();
    this.shares.close();
    this.follows = true;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.find("message").textContent = sentence;
    this.find("message").hidden = !sentence;
  }

  /** @param {string} sentence */
  setNote(sentence) {
    this.find("note").textContent = sentence;
    this.find("note").hidden = !sentence;
  }

  toggle() {
    if (!this.mixer.isReady) return;
    if (this.find("message").textContent === NO_OUTPUT) this.say("");
    if (this.mixer.playing) this.mixer.pause();
    else this.mixer.play();
    this.lanes.reveal(this.mixer.position);
    this.update();
    this.tick();
  }

  /** @param {number} position */
  seek(position) {
    if (!this.song) return;
    this.mixer.seek(position);
    this.lanes.reveal(this.mixer.position);
    this.draw();
  }

  /** @param {number} fade */
  setFade(fade) {
    this.mixer.setFade(fade);
    this.update();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.mixer.setSpeed(Math.round(speed * 100) / 100);
    this.update();
  }

  /** @param {boolean} follows */
  setFollow(follows) {
    if (this.follows === follows) return;
    this.follows = follows;
    this.update();
  }

  /** @param {Loop | null} region @param {boolean} [loops] */
  setLoop(region, loops) {
    this.mixer.setLoop(region, loops);
    this.update();
  }

  /**
   * A loop that is being dragged is drawn, but not yet gone round.
   *
   * @param {Loop | null} region
   */
  previewLoop(region) {
    this.preview = region;
    this.update();
  }

  toggleLoop() {
    if (!this.song) return;
    const { loop, loops, position, duration } = this.mixer;
    this.setLoop(loop ?? newLoop(position, duration), !loops);
  }

  /**
   * Let the loop start, or end, where the song is now.
   *
   * @param {"start" | "end"} edge
   */
  markLoop(edge) {
    if (!this.song) return;
    const { loop, position, duration } = this.mixer;
    this.setLoop(markedLoop(loop, edge, position, duration), true);
  }

  /** @param {string} name @param {"muted" | "soloed"} what */
  toggleInstrument(name, what) {
    const part = this.mixer.parts.get(name);
    if (!part) return;
    this.mixer.set(name, { [what]: !part[what] });
    this.update();
  }

  /**
   * Pick out one instrument; the same again, or null, shows all of them alike.
   *
   * @param {string | null} name
   */
  setSpotlight(name) {
    this.look.spotlight = name === this.look.spotlight ? null : name;
    this.update();
  }

  toggleComparison() {
    this.look.compares = !this.look.compares;
    this.update();
  }

  async toggleProbabilities() {
    this.wantsProbabilities = !this.wantsProbabilities;
    await this.refreshProbabilities();
    this.update();
  }

  async refreshProbabilities() {
    const { song } = this;
    this.find("show-probabilities").hidden = !this.value?.probabilities || !window.DecompressionStream;
    const planes = this.wantsProbabilities ? await this.fetchProbabilities() : null;
    if (song === this.song) this.look.probabilities = planes; // or the song on show asks for its own
  }

  // The probabilities of the song on show, fetched the first time; null where there are none.
  async fetchProbabilities() {
    const url = this.value?.probabilities;
    const { song } = this;
    if (this.probabilities?.url !== url) this.probabilities = null;
    if (!url || !song || !window.DecompressionStream) return null;
    try {
      this.probabilities ??= { url, planes: await loadProbabilities(url, song) };
    } catch (error) {
      if (song !== this.song) return null;
      this.wantsProbabilities = false;
      this.say("The probabilities could not be loaded.");
      console.warn(error);
    }
    return this.probabilities?.planes ?? null;
  }

  /** @param {number} factor 0 shows the whole song */
  zoom(factor) {
    if (!this.song) return;
    this.lanes.zoom(factor || 1e-9, this.mixer.position);
    this.draw();
  }

  tick() {
    cancelAnimationFrame(this.frame);
    if (!this.mixer.playing) return;
    const position = this.mixer.position;
    if (position >= this.mixer.duration) {
      this.mixer.pause();
      this.update();
      return;
    }
    if (this.follows) this.lanes.reveal(position);
    this.draw();
    this.frame = requestAnimationFrame(() => this.tick());
  }

  // Everything that shows the state; `draw` alone when only the time or the view has changed.
  update() {
    const { mixer, look } = this;
    const press = (/** @type {string} */ name, /** @type {boolean} */ isOn) =>
      (this.find(name).ariaPressed = String(isOn));
    const play = this.find("play", HTMLButtonElement);
    play.disabled = this.find("loop", HTMLButtonElement).disabled = !mixer.isReady;
    play.ariaLabel = mixer.playing ? "Pause" : "Play";
    play.classList.toggle("is-playing", mixer.playing);
    setSlider(this.slider("fade"), 100 * mixer.heardFade);
    press("hear-original", mixer.heardFade === 0);
    press("hear-notes", mixer.heardFade === 1);
    setSlider(this.slider("speed"), 100 * mixer.speed);
    this.slider("speed").setAttribute("aria-valuetext", `${Math.round(100 * mixer.speed)} %`);
    this.find("normal-speed").textContent = `${mixer.speed.toFixed(2)}×`;
    press("follow", this.follows);
    press("loop", mixer.loops);
    press("show-probabilities", look.probabilities !== null);
    press("compare", look.compares);
    this.find("legend").hidden = !look.compares;
    look.loop = this.preview ?? mixer.loop;
    look.loops = this.preview ? true : mixer.loops;
    for (const [name, button] of this.names) button.ariaPressed = String(look.spotlight === name);
    this.find("names").classList.toggle("has-spotlight", look.spotlight !== null);
    this.sayScores();
    this.ghosts.update();
    this.editing.update();
    this.timing.update();
    this.strips.update(mixer);
    this.lanes.isOutdated = true;
    this.draw();
  }

  sayScores() {
    if (!this.look.compares || !this.song?.reference) return;
    const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;
    const { precision, recall, note_f1, note_instrument_f1 } = this.song.reference.scores;
    this.find("scores").textContent =
      `With the right instrument, ${percent(recall)} of the right notes were found, and ${percent(precision)} of the ` +
      `notes found are right (F1 ${percent(note_instrument_f1)}); whoever plays them, F1 ${percent(note_f1)}.`;
  }

  draw() {
    if (!this.song) return;
    const { mixer, song } = this;
    const position = mixer.position;
    const text = `${clock(position, 1)} / ${clock(Math.round(song.duration))}`;
    if (text !== this.drawnTime) {
      this.drawnTime = this.find("time").textContent = text;
      const slider = this.slider("position");
      setSlider(slider, song.duration ? (1000 * position) / song.duration : 0);
      slider.setAttribute("aria-valuetext", `${clock(position)} of ${clock(Math.round(song.duration))}`);
    }
    this.shares.update();
    const sounding = this.lanes.draw(position, this.look, mixer.playing);
    this.strips.light(mixer, sounding);
    this.score.draw(position, mixer.playing);
  }

  repaint() {
    this.lanes.repaint();
    this.draw();
  }

  /**
   * A button for each lane of the activity, beside it.
   *
   * @param {import("./song.js").Instrument[]} instruments
   */
  nameLanes(instruments) {
    this.names = new Map(
      instruments.map((instrument) => {
        const button = copyOf(this.find("name-template", HTMLTemplateElement));
        dye(button, instrument);
        button.ariaLabel = `Spotlight ${instrument.label}`;
        find(button, "long").textContent = instrument.label;
        find(button, "short").textContent = instrument.short;
        button.addEventListener("click", () => this.setSpotlight(instrument.name));
        return [instrument.name, button];
      }),
    );
    this.find("names").replaceChildren(...this.names.values());
  }
}
