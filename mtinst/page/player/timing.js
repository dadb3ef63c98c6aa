// Tempo and bars, as a person mends them: what is said is told to the page, whose next record has the beats that follow
// from it (see `Timing` in mtinst/records.py). Tapping says the tempo, and while the song plays also where a bar begins.

/** @typedef {{ tempo: number | null, per_bar: number | null, bar_s: number | null }} Said what is said of the beats, null what is not */

/** @typedef {{ times: number[], tempo: number, per_bar: number, first_downbeat: number }} Beats */

const SLOWEST = 20;
const FASTEST = 400;
const LONGEST_GAP_S = 2; // between taps; after a longer one they begin anew
const DONE_MS = 1200; // after the last tap
const FEWEST_TAPS = 3;
/** @type {Said} */
const NOTHING = { tempo: null, per_bar: null, bar_s: null };

export class Timing {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.said = NOTHING;
    /** @type {number | null} */
    this.tempo = null; // as found, or as said since
    /** @type {number[]} */
    this.taps = []; // in seconds, of the song where it plays
    this.waiting = 0;
    this.field = player.find("tempo", HTMLInputElement);
    this.menu = player.find("per-bar", HTMLSelectElement);
    const onClick = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      player.find(name).addEventListener("click", act);
    onClick("half", () => this.scale(1 / 2));
    onClick("double", () => this.scale(2));
    onClick("tap", () => this.tap());
    onClick("first-beat", () => this.beginBar());
    onClick("estimated", () => this.say(NOTHING));
    this.field.addEventListener("change", () => this.setTempo(this.field.valueAsNumber));
    this.menu.addEventListener("change", () => this.say({ per_bar: Number(this.menu.value) }));
  }

  get beats() {
    return this.player.song?.beats ?? null;
  }

  // A record has come.
  show() {
    const { song } = this.player;
    this.said = song?.timing ?? NOTHING;
    this.tempo = this.beats?.tempo ?? null;
    this.taps = [];
    clearTimeout(this.waiting);
  }

  /** @param {Partial<Said>} changes */
  say(changes) {
    this.said = { ...this.said, ...changes };
    if ("tempo" in changes) this.tempo = changes.tempo ?? this.tempo;
    this.update();
    this.player.root.dispatchEvent(new CustomEvent("mtinst-timing", { bubbles: true, detail: this.said }));
  }

  /** @param {number} tempo @param {Partial<Said>} [changes] */
  setTempo(tempo, changes) {
    if (tempo >= SLOWEST && tempo <= FASTEST) this.say({ tempo: Math.round(tempo * 100) / 100, ...changes });
    else this.update();
  }

  /** @param {number} factor */
  scale(factor) {
    if (this.tempo) this.setTempo(this.tempo * factor);
  }

  // A bar begins at the beat nearest to the playhead.
  beginBar() {
    const { beats, player } = this;
    if (beats) this.say({ bar_s: Math.max(0, nearest(beats.times, player.mixer.position)) });
  }

  tap() {
    const { mixer, song } = this.player;
    if (!song) return;
    const now = mixer.playing ? mixer.position : performance.now() / 1000;
    const gap = now - (this.taps.at(-1) ?? -Infinity);
    if (!(gap > 0 && gap < LONGEST_GAP_S)) this.taps = [];
    this.taps.push(now);
    clearTimeout(this.waiting);
    if (this.taps.length < FEWEST_TAPS) return;
    const { tempo, start } = fit(this.taps);
    this.field.value = String(Math.round(tempo));
    const changes = mixer.playing ? { bar_s: Math.max(0, start) } : {};
    this.waiting = window.setTimeout(() => {
      this.taps = [];
      this.setTempo(tempo, changes);
    }, DONE_MS);
  }

  // Show the state; called by the player.
  update() {
    const { player, tempo, said, beats } = this;
    player.find("timing").hidden = !player.value?.score; // a page without a server has nobody to find other beats
    if (document.activeElement !== this.field) this.field.value = tempo ? String(Math.round(tempo)) : "";
    this.menu.value = String(said.per_bar ?? beats?.per_bar ?? "");
    const disable = (/** @type {string} */ name, /** @type {boolean} */ isVain) =>
      (player.find(name, HTMLButtonElement).disabled = isVain);
    disable("half", !tempo || tempo / 2 < SLOWEST);
    disable("double", !tempo || tempo * 2 > FASTEST);
    disable("first-beat", !beats);
    disable("estimated", Object.values(said).every((one) => one === null));
  }
}

/**
 * The even beats that taps are about: beats a minute, and when the first one was.
 *
 * @param {number[]} taps two at least
 */
export function fit(taps) {
  const period = median(taps.slice(1).map((tap, k) => tap - taps[k]));
  return { tempo: 60 / period, start: median(taps.map((tap, k) => tap - k * period)) };
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** @param {number[]} values @param {number} wanted */
const nearest = (values, wanted) =>
  values.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
