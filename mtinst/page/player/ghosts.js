// Ghosts: notes that the network found too unlikely to report (see ghosts.py), in outline. They are fetched when they are
// wanted, and hidden where a note lies; accepting one adds it as an edit.

import { valuesOf } from "./edits.js";
import { clock, neighbour, NoteIndex, pitchName, TOUCHING_S } from "./song.js";

/** @typedef {import("./song.js").Instrument} Instrument */

/** @typedef {import("./gestures.js").Point} Point */

/** @typedef {[onset: number, offset: number, pitch: number, name: string, candidates: [string, number][]]} GhostRecord */

/** @typedef {import("./song.js").Note & { candidates: [Instrument, number][] }} Ghost with who it could be, and how likely */

export class Ghosts {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.isOn = false;
    /** @type {string | null} */
    this.url = null; // of those that were fetched
    /** @type {Ghost[]} */
    this.all = [];
    /** @type {NoteIndex<Ghost>} */
    this.shown = new NoteIndex([]);
    /** @type {Ghost | null} */
    this.picked = null; // by the keyboard
    this.button = player.find("show-ghosts", HTMLButtonElement);
    this.button.addEventListener("click", () => this.toggle());
  }

  async toggle() {
    this.isOn = !this.isOn;
    this.picked = null;
    await this.refresh();
    this.player.update();
  }

  // Fetch those of the record on show when they are to be seen, and only then; until they are here, the others stay.
  async refresh() {
    const { player } = this;
    const url = player.value?.ghosts ?? null;
    if (url && this.isOn && url !== this.url) {
      try {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`${response.status} for ${url}`);
        const records = await response.json();
        if (url !== player.value?.ghosts || !player.song) return; // the record on show asks for its own
        this.all = unpackGhosts(records, player.song.instruments);
        this.url = url;
      } catch (error) {
        if (url !== player.value?.ghosts) return;
        this.isOn = false;
        player.say("The ghosts could not be loaded.");
        console.warn(error);
      }
    }
    this.hide();
  }

  forget() {
    this.url = this.picked = null;
    this.all = [];
    this.shown = new NoteIndex([]);
  }

  // Leave out those that lie over a note; the picture grows where it has to.
  hide() {
    const { song } = this.player;
    if (!song) return;
    const isFree = (/** @type {Ghost} */ { onset, offset, pitch }) =>
      !song.notes.between(onset + TOUCHING_S, offset - TOUCHING_S).some((note) => note.pitch === pitch);
    this.shown = new NoteIndex(this.isOn ? this.all.filter(isFree) : []);
    if (this.picked && !this.shown.notes.includes(this.picked)) this.picked = null;
    for (const { pitch } of this.shown.notes) {
      song.low = Math.min(song.low, pitch);
      song.high = Math.max(song.high, pitch);
    }
  }

  /** @param {Point} point @returns {Ghost | null} */
  at({ x, y }) {
    const { song, lanes, look } = this.player;
    if (!song || lanes.roll.noteAt(x, y, song, look)) return null;
    return lanes.roll.under(x, y, song, this.shown)[0] ?? null;
  }

  /**
   * Let one be a note.
   *
   * @param {Ghost} ghost
   * @param {string} name of its instrument
   */
  accept(ghost, name = ghost.instrument.name) {
    const [onset, offset, pitch] = valuesOf(ghost);
    this.player.editing.begin();
    this.player.editing.add([onset, offset, pitch, name]);
  }

  /**
   * Go to the next one, or the one before; the first time from the note that is selected, or the playhead.
   *
   * @param {1 | -1} direction
   */
  async step(direction) {
    const { editing, lanes, mixer } = this.player;
    if (!this.isOn) await this.toggle();
    const second = editing.selected.at(-1)?.onset ?? mixer.position;
    const next = neighbour(this.shown.notes, this.picked, second, direction);
    if (!next) return;
    editing.begin();
    editing.choose([]);
    this.picked = next;
    lanes.reveal(next.onset);
    lanes.roll.still.canvas.focus({ preventScroll: true }); // or Enter would press a button
    this.player.update();
  }

  sayPicked() {
    return this.picked && `${described(this.picked)} · Enter adds it`;
  }

  // Show the state; called by the player.
  update() {
    this.button.hidden = !this.player.value?.ghosts;
    this.button.ariaPressed = String(this.isOn);
  }
}

/** @param {Ghost} ghost */
export function described({ candidates, pitch, onset }) {
  const who = candidates.map(([{ label }, share]) => `${label} ${Math.round(100 * share)} %`).join(", ");
  return `Half heard: ${pitchName(pitch)} · at ${clock(onset, 2)} · ${who}`;
}

/**
 * @param {GhostRecord[]} records
 * @param {Instrument[]} instruments
 * @returns {Ghost[]}
 */
export function unpackGhosts(records, instruments) {
  const named = (/** @type {string} */ name) => {
    const instrument = instruments.find((one) => one.name === name);
    if (!instrument) throw new TypeError(`there is no instrument ${name}`);
    return instrument;
  };
  return records.map(([onset, offset, pitch, name, candidates]) => ({
    onset,
    offset,
    pitch,
    share: 0,
    shares: 1,
    instrument: named(name),
    candidates: candidates.map(([other, share]) => [named(other), share]),
  }));
}
