// Editing by hand: which notes are selected, and what pointers, keys and buttons do with them. Every change is one more
// step of the history; what is drawn, and what the page is told, follow from its edits.

import * as edits from "./edits.js";
import { clock, neighbour, pitchName, setNotes } from "./song.js";

/** @typedef {import("./song.js").Note} Note */

/** @typedef {import("./edits.js").NoteValues} NoteValues */

/** @typedef {import("./gestures.js").Point} Point */

/** @typedef {{ from: Point, to: Point }} Frame that is drawn around notes */

/** @typedef {"note" | "edge" | "ground"} Grip what a pointer takes hold of */

/** @typedef {{ from: Point, grip: Grip, adds: boolean, before: Note[] }} EditDrag */

const NEW_NOTE_S = 8 * edits.FRAME_S;
const NEW_PITCH = 60;
const EDGE_PX = 6; // at a note's right end
const TOUCH_EDGE_PX = 14;
const MOST_LATE = 100; // answers that may be under way
const STEADY_PX = 5; // who moves a note up or down by hand means no less than this by later or earlier
export const DIGITS = "1234567890-"; // for the instruments, in table order

export class Editing {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.isOn = false;
    this.history = edits.historyOf([]);
    /** @type {string[]} */
    this.told = []; // lists of edits, as text: the one that the record has, and those that the page was told since
    /** @type {Note[]} */
    this.decided = []; // the notes of the record
    /** @type {Note[]} */
    this.selected = [];
    /** @type {Note[]} */
    this.coming = []; // what the selected will be when they are dropped
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {EditDrag | null} */
    this.dragged = null;
    this.button = player.find("edit", HTMLButtonElement);
    this.menu = player.find("edit-instrument", HTMLSelectElement);
    const onClick = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      player.find(name).addEventListener("click", act);
    onClick("edit", () => this.toggle());
    onClick("edit-remove", () => this.remove());
    onClick("edit-undo", () => this.undo());
    onClick("edit-redo", () => this.redo());
    onClick("edit-reset", () => this.reset());
    this.menu.addEventListener("change", () => this.give(this.menu.value));
  }

  get song() {
    if (!this.player.song) throw new TypeError("there is no song to edit");
    return this.player.song;
  }

  /**
   * A record has come. One that has edits which the page was told of is late: what was done since stays. Any other list
   * replaces the one here.
   *
   * @param {boolean} isSameSource
   */
  show(isSameSource) {
    const { song } = this;
    const theirs = JSON.stringify(song.edits);
    const place = isSameSource ? this.told.indexOf(theirs) : -1;
    if (place < 0) this.history = edits.historyOf(song.edits);
    this.told = place < 0 ? [theirs] : this.told.slice(place);
    this.decided = song.notes.notes;
    this.letGo();
    if (!isSameSource) {
      this.selected = [];
      this.isOn = false;
      const options = song.instruments.map(({ name, label }, index) => new Option(`${DIGITS[index]}  ${label}`, name));
      this.menu.replaceChildren(...options);
    }
    this.apply(this.selected.map(edits.valuesOf));
  }

  /**
   * Let the song's notes be those after the edits, and select some.
   *
   * @param {NoteValues[]} selected
   */
  apply(selected) {
    const { song, player, decided } = this;
    const missing = edits.difference(song.edits, edits.editsOf(this.history));
    const notes = missing.length ? edits.edited(decided, missing, song.instruments) : decided;
    if (notes !== song.notes.notes) {
      setNotes(song, notes);
      player.strips.show(song.instruments, player.mixer.settings);
    }
    player.ghosts.hide();
    this.select(selected);
  }

  /** @param {import("./edits.js").History} history @param {NoteValues[]} selected */
  change(history, selected) {
    this.history = history;
    this.player.shares.close();
    const list = edits.editsOf(history);
    this.told = [...this.told.slice(-MOST_LATE), JSON.stringify(list)];
    this.apply(selected);
    this.player.root.dispatchEvent(new CustomEvent("mtinst-edits", { bubbles: true, detail: list }));
  }

  /**
   * Let the selected notes become others, in their order, or none.
   *
   * @param {NoteValues[]} now
   */
  replace(now) {
    const step = this.selected
      .map((note, k) => ({ was: edits.valuesOf(note), now: now[k] ?? null }))
      .filter((one) => String(one.was) !== String(one.now));
    if (step.length) this.change(edits.withStep(this.history, step), now);
  }

  /** @param {NoteValues} note */
  add(note) {
    const now = edits.within(note);
    this.change(edits.withStep(this.history, [{ was: null, now }]), [now]);
  }

  // At the playhead, as the keyboard has no other place to name.
  insert() {
    const { position } = this.player.mixer;
    this.add([position, position + NEW_NOTE_S, this.selected.at(-1)?.pitch ?? NEW_PITCH, this.menu.value]);
  }

  remove() {
    this.replace([]);
  }

  /** @param {number} seconds @param {number} semitones */
  move(seconds, semitones) {
    this.replace(this.moved(seconds, semitones));
    this.reveal();
  }

  /** @param {number} seconds @param {number} semitones */
  moved(seconds, semitones) {
    const latest = this.song.duration - edits.FRAME_S;
    return edits.moved(this.selected.map(edits.valuesOf), seconds, semitones, latest);
  }

  /** @param {number} seconds */
  lengthened(seconds) {
    return edits.lengthened(this.selected.map(edits.valuesOf), seconds);
  }

  /** @param {number} seconds */
  lengthen(seconds) {
    this.replace(this.lengthened(seconds));
  }

  /** @param {string} name of an instrument */
  give(name) {
    this.replace(this.selected.map(({ onset, offset, pitch }) => [onset, offset, pitch, name]));
  }

  undo() {
    const step = this.history.steps.at(-1);
    if (step) this.change(edits.undo(this.history), step.flatMap(({ was }) => (was ? [was] : [])));
  }

  redo() {
    const step = this.history.undone.at(-1);
    if (step) this.change(edits.redo(this.history), step.flatMap(({ now }) => (now ? [now] : [])));
  }

  reset() {
    if (this.history.steps.length) this.change(edits.reset(this.history), []);
  }

  toggle() {
    this.isOn = !this.isOn;
    this.choose([]);
  }

  // Who changes something sees what is edited, and can take it back.
  begin() {
    if (!this.isOn) this.toggle();
  }

  /** @param {NoteValues[]} values */
  select(values) {
    const wanted = new Set(values.map(String));
    const onsets = new Set(values.map(([onset]) => onset)); // quick to ask
    const isWanted = (/** @type {Note} */ note) =>
      onsets.has(note.onset) && wanted.has(String(edits.valuesOf(note)));
    this.choose(wanted.size ? this.song.notes.notes.filter(isWanted) : []);
  }

  /** @param {Note[]} notes */
  choose(notes) {
    this.selected = notes;
    this.player.ghosts.picked = null;
    const last = notes.at(-1);
    if (last) this.menu.value = last.instrument.name;
    this.player.update();
  }

  /**
   * Go to the next note, or the one before; the first time from the playhead.
   *
   * @param {1 | -1} direction
   * @param {boolean} adds
   */
  step(direction, adds) {
    const note = neighbour(this.song.notes.notes, this.selected.at(-1), this.player.mixer.position, direction);
    if (!note) return;
    this.choose(adds ? [...this.selected.filter((one) => one !== note), note] : [note]);
    this.reveal();
  }

  // Keep the last of the selected notes in sight.
  reveal() {
    const last = this.selected.at(-1);
    if (last) this.player.lanes.reveal(last.onset);
    this.player.draw();
  }

  /** @param {Point} point */
  noteAt({ x, y }) {
    const note = this.player.lanes.roll.noteAt(x, y, this.song, this.player.look);
    return note?.isHit === undefined ? note : null; // else it is one of the right notes
  }

  /** @param {Point} point @param {string} pointerType @returns {Grip} */
  gripAt(point, pointerType) {
    const note = this.noteAt(point);
    if (!note) return "ground";
    const { lanes } = this.player;
    const reach = Math.min(pointerType === "touch" ? TOUCH_EDGE_PX : EDGE_PX, ((note.offset - note.onset) * lanes.scale) / 3);
    return point.x >= lanes.x(note.offset) - reach ? "edge" : "note";
  }

  /** @param {Point} from @param {Point} to @param {PointerEvent} event */
  drag(from, to, { shiftKey, pointerType }) {
    const { lanes } = this.player;
    this.dragged ??= this.grasp(from, shiftKey, pointerType);
    const { grip, adds, before } = this.dragged;
    const seconds = (to.x - from.x) / lanes.scale;
    if (grip === "ground") {
      this.frame = { from, to };
      const inside = lanes.roll.notesWithin(this.frame, this.song);
      return this.choose(adds ? [...new Set([...before, ...inside])] : inside);
    }
    const isSteady = Math.abs(to.x - from.x) <= STEADY_PX;
    const semitones = lanes.roll.pitchAt(to.y, this.song) - lanes.roll.pitchAt(from.y, this.song);
    const now = grip === "edge" ? this.lengthened(seconds) : this.moved(isSteady ? 0 : seconds, semitones);
    this.coming = now.map((one) => edits.noteOf(one, this.song.instruments));
    this.player.update();
  }

  /** @param {Point} from @param {boolean} adds @param {string} pointerType @returns {EditDrag} */
  grasp(from, adds, pointerType) {
    const note = this.noteAt(from);
    if (note && !this.selected.includes(note)) this.choose(adds ? [...this.selected, note] : [note]);
    return { from, grip: this.gripAt(from, pointerType), adds, before: this.selected };
  }

  drop() {
    const { coming } = this;
    this.cancel();
    if (coming.length) this.replace(coming.map(edits.valuesOf));
  }

  cancel() {
    this.letGo();
    this.player.update();
  }

  letGo() {
    this.dragged = this.frame = null;
    this.coming = [];
  }

  /** @param {Point} point @param {boolean} adds */
  click(point, adds) {
    const note = this.noteAt(point);
    const others = adds ? this.selected.filter((one) => one !== note) : [];
    this.choose(note && !(adds && this.selected.includes(note)) ? [...others, note] : others);
  }

  /** @param {Point} point */
  doubleClick(point) {
    if (this.noteAt(point)) return;
    const { lanes } = this.player;
    const onset = lanes.secondAt(point.x);
    this.add([onset, onset + NEW_NOTE_S, lanes.roll.pitchAt(point.y, this.song), this.menu.value]);
  }

  // Show the state; called by the player.
  update() {
    const { player, history, selected, isOn } = this;
    const disable = (/** @type {string} */ name, /** @type {boolean} */ isVain) =>
      (player.find(name, HTMLButtonElement).disabled = isVain);
    this.button.ariaPressed = String(isOn);
    this.button.disabled = Boolean(player.value?.partial);
    player.find("edits").hidden = !isOn;
    player.root.classList.toggle("is-editing", isOn);
    player.lanes.roll.still.canvas.tabIndex = isOn ? 0 : -1;
    disable("edit-remove", !selected.length);
    disable("edit-undo", !history.steps.length);
    disable("edit-redo", !history.undone.length);
    disable("edit-reset", !history.steps.length);
    player.find("edit-selected").textContent = player.ghosts.sayPicked() ?? described(selected);
  }
}

/** @param {Note[]} notes */
function described(notes) {
  if (notes.length > 1) return `${notes.length} notes selected`;
  if (!notes.length) return "Editing: click a note, or drag a frame around several; double-click to add one.";
  const [{ instrument, pitch, onset, offset }] = notes;
  return `${instrument.label} · ${pitchName(pitch)} · at ${clock(onset, 2)} · ${(offset - onset).toFixed(2)} s long`;
}
