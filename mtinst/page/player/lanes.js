// All pictures of a song along one time axis: the roll, who plays when, and which pitches sound, under one playhead.

import { TimeAxis } from "./axis.js";
import { find } from "./dom.js";
import { drawPitchNames } from "./keyboard.js";
import { Palette, RollImage, Sheet } from "./paint.js";
import { Roll } from "./roll.js";

/** @typedef {import("./song.js").Song} Song */

export class Lanes extends TimeAxis {
  /** @param {HTMLElement} root */
  constructor(root) {
    super();
    this.root = root;
    this.palette = new Palette(root);
    this.roll = new Roll(root, this, this.palette);
    this.activity = new Sheet(find(root, "activity", HTMLCanvasElement));
    this.pitches = new Sheet(find(root, "pitches", HTMLCanvasElement));
    /** @type {NodeListOf<HTMLElement>} */
    this.playheads = root.querySelectorAll(".mtp-playhead");
    /** @type {Song | null} */
    this.song = null;
    /** @type {RollImage | null} */
    this.activityImage = null;
    /** @type {RollImage | null} */
    this.pitchImage = null;
    this.isOutdated = true;
    this.drawnView = "";
    /** @type {string | null} */
    this.sounding = null; // as it was drawn
  }

  /** @param {Song} song @param {boolean} keepView */
  show(song, keepView) {
    this.song = song;
    this.roll.probabilities = null;
    this.repaint();
    this.measure();
    if (!keepView) return this.reset(song.duration);
    this.duration = song.duration;
    this.moveTo(this.start);
  }

  forget() {
    this.song = this.activityImage = this.pitchImage = this.roll.probabilities = null;
  }

  // Read the sizes from the page, which must not be done while drawing.
  measure() {
    this.roll.measure();
    this.activity.measure();
    this.pitches.measure();
    this.fullWidth = this.roll.still.width;
    this.root.style.setProperty("--mt-gutter", `${this.gutter}px`);
    if (this.song) this.moveTo(this.start);
    this.isOutdated = true;
  }

  // After a change of the theme or of the song: take the colours from the style sheet and colour the rolls anew.
  repaint() {
    const { palette } = this;
    palette.refresh();
    this.isOutdated = true;
    if (!this.song) return;
    const { activity, pitches, instruments } = this.song;
    const colourOf = (/** @type {number} */ row) => palette.of(instruments[row]);
    this.activityImage = new RollImage(activity.rows, activity.columns, [{ values: activity.values, colourOf }]);
    const planes = [{ values: pitches.values, colourOf: () => palette.accent }];
    this.pitchImage = new RollImage(pitches.rows, pitches.columns, planes, true);
  }

  /**
   * Draw what has changed since the last time; the notes that sound.
   *
   * @param {number} position
   * @param {import("./roll.js").Look} look
   * @param {boolean} isPlaying
   */
  draw(position, look, isPlaying) {
    const { song } = this;
    if (!song || this.fullWidth === 0) return [];
    const view = `${this.start} ${this.scale}`;
    if (this.isOutdated || view !== this.drawnView) {
      this.roll.paint(song, look);
      this.paintActivity(song, look);
      this.paintPitches(song);
      this.drawnView = view;
      this.sounding = null;
      this.isOutdated = false;
    }
    const notes = isPlaying || position > 0 ? song.notes.at(position) : [];
    const sounding = notes.map((one) => `${one.instrument.index}:${one.pitch}:${one.onset}`).join(" ");
    if (sounding !== this.sounding) {
      this.roll.paintSounding(song, look, notes);
      this.sounding = sounding;
    }
    const x = this.x(position);
    const isInSight = x >= this.gutter - 0.5 && x <= this.fullWidth + 0.5;
    for (const playhead of this.playheads) {
      playhead.style.transform = `translateX(${x}px)`;
      playhead.style.visibility = isInSight ? "visible" : "hidden";
    }
    return notes;
  }

  /** @param {Song} song @param {import("./roll.js").Look} look */
  paintActivity({ instruments, frameRate }, { spotlight }) {
    const g = this.activity.clean();
    const row = this.activity.height / instruments.length;
    g.fillStyle = this.palette.soft;
    g.fillRect(this.gutter, 0, this.width, this.activity.height);
    this.activityImage?.draw(g, this, frameRate, 0, this.activity.height);
    g.fillStyle = this.palette.card;
    instruments.forEach((instrument, index) => {
      g.globalAlpha = 1;
      if (index) g.fillRect(this.gutter, index * row - 1, this.width, 2);
      g.globalAlpha = 0.72;
      if (spotlight && spotlight !== instrument.name) g.fillRect(this.gutter, index * row, this.width, row);
    });
    g.globalAlpha = 1;
  }

  /** @param {Song} song */
  paintPitches({ pitches: { lowest, rows }, frameRate }) {
    const g = this.pitches.clean();
    const height = this.pitches.height;
    this.pitchImage?.draw(g, this, frameRate, 0, height);
    const place = { low: lowest, high: lowest + rows - 1, top: 0, height, row: height / rows };
    drawPitchNames(g, this.palette, place, this.gutter - 5);
  }

  /**
   * The instrument of a lane, by its height in that picture.
   *
   * @param {Song} song
   * @param {number} y
   */
  instrumentAt({ instruments }, y) {
    const row = Math.floor((y / this.activity.height) * instruments.length);
    return instruments[Math.max(0, Math.min(instruments.length - 1, row))];
  }
}
