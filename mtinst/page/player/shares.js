// The shares of a note: how likely each instrument plays it, as a list beside the note; a click on one gives the note to it.

import { copyOf, dye, find } from "./dom.js";
import { valuesOf } from "./edits.js";
import { clock, pitchName, sharesOf } from "./song.js";

/** @typedef {import("./song.js").Note} Note */

/** @typedef {import("./song.js").Instrument} Instrument */

/** @typedef {import("./ghosts.js").Ghost} Ghost */

const LEAVING_MS = 350; // on the way from the note to the list
const MARGIN_PX = 6;

export class Shares {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.panel = player.find("shares");
    this.template = player.find("share-template", HTMLTemplateElement);
    /** @type {Note | Ghost | null} */
    this.note = null; // whose shares are on show
    this.view = ""; // then
    /** @type {number | null} */
    this.x = null; // where the pointer was on the roll
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.leaving = undefined;
    this.panel.addEventListener("pointerenter", () => clearTimeout(this.leaving));
    this.panel.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.leave(null));
    document.addEventListener("pointerdown", ({ target }) => {
      if (!(target instanceof Node && this.panel.contains(target))) this.close();
    }, true);
    document.addEventListener("scroll", ({ target }) => target !== this.panel && this.place(), true);
  }

  // Of the ghost or the note that the keyboard is at.
  showPicked() {
    const note = this.player.ghosts.picked ?? this.player.editing.selected.at(-1);
    if (note) this.show(note, null, true);
  }

  /**
   * @param {Note | Ghost} note
   * @param {number | null} x of the pointer on the roll
   * @param {boolean} focuses
   */
  async show(note, x = null, focuses = false) {
    const { player } = this;
    const { song } = player;
    const planes = await player.fetchProbabilities();
    if (!planes || !song || song !== player.song) return;
    const known = new Map(knownShares(note)); // the probabilities here are rounded
    const shares = sharesOf(note, planes, song).map((share, k) => known.get(song.instruments[k]) ?? share);
    const order = [...song.instruments].sort((a, b) => shares[b.index] - shares[a.index]);
    const buttons = order.map((one) => this.button(one, shares[one.index], one === note.instrument));
    find(this.panel, "shares-of").textContent = `Who plays it? ${pitchName(note.pitch)} · at ${clock(note.onset, 2)}`;
    find(this.panel, "shares-list").replaceChildren(...buttons);
    clearTimeout(this.leaving);
    player.find("tip").hidden = true;
    Object.assign(this, { note, x, view: this.viewNow });
    this.panel.showPopover();
    this.place();
    if (focuses) find(buttons[order.indexOf(note.instrument)], "share").focus();
  }

  /** @param {Instrument} instrument @param {number} share @param {boolean} isOwn */
  button(instrument, share, isOwn) {
    const item = copyOf(this.template);
    const button = find(item, "share", HTMLButtonElement);
    dye(item, instrument);
    item.style.setProperty("--mt-share", `${100 * share}%`);
    button.ariaPressed = String(isOwn);
    find(item, "share-name").textContent = instrument.label;
    find(item, "share-percent").textContent = `${Math.round(100 * share)} %`;
    button.addEventListener("click", () => this.give(instrument.name));
    return item;
  }

  /** @param {string} name */
  give(name) {
    const { note, player } = this;
    this.close();
    if (!note) return;
    if ("candidates" in note) return player.ghosts.accept(note, name);
    player.editing.begin();
    player.editing.select([valuesOf(note)]); // it may have been decoded anew
    player.editing.give(name);
  }

  // Under the note, or over it where there is no room.
  place() {
    const { panel, note, x } = this;
    const { lanes, song } = this.player;
    if (!note || !song) return;
    const box = lanes.roll.still.canvas.getBoundingClientRect();
    const [top, thickness] = lanes.roll.place(note, lanes.roll.rowsOf(song));
    const left = box.left + (x ?? Math.max(lanes.gutter, lanes.x(note.onset)));
    const below = box.top + top + thickness + 1;
    const above = box.top + top - 1 - panel.offsetHeight;
    const lowest = innerHeight - panel.offsetHeight - MARGIN_PX;
    panel.style.left = `${Math.max(MARGIN_PX, Math.min(left, innerWidth - panel.offsetWidth - MARGIN_PX))}px`;
    panel.style.top = `${Math.max(MARGIN_PX, below <= lowest || above < MARGIN_PX ? Math.min(below, lowest) : above)}px`;
  }

  /**
   * The mouse has gone on, perhaps to another note.
   *
   * @param {Note | null} note
   */
  leave(note) {
    if (!this.note || note === this.note) return;
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.close(), LEAVING_MS);
  }

  close() {
    clearTimeout(this.leaving);
    if (!this.note) return;
    this.note = null;
    if (this.panel.contains(document.activeElement)) this.player.lanes.roll.still.canvas.focus({ preventScroll: true });
    this.panel.hidePopover();
  }

  get viewNow() {
    const { start, scale } = this.player.lanes;
    return `${start} ${scale}`;
  }

  // Another part of the song has come into sight; called by the player.
  update() {
    if (this.note && this.view !== this.viewNow) this.close();
  }
}

/** @param {Note | Ghost} note @returns {[Instrument, number][]} */
function knownShares(note) {
  if ("candidates" in note) return note.candidates;
  return note.confidence === undefined ? [] : [[note.instrument, note.confidence]];
}
