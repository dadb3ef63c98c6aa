// The coloured pianoroll. What stays as long as the view does is drawn once, on one canvas; on another above it, only
// what sounds just now, and only when that changes.

import { find } from "./dom.js";
import { drawKey, drawKeyboard, isBlack } from "./keyboard.js";
import { RollImage, Sheet, bar, brush } from "./paint.js";
import { clock } from "./song.js";

/** @typedef {import("./keyboard.js").Rows} Rows */

/** @typedef {import("./song.js").Song} Song */

/** @typedef {import("./song.js").Note} Note */

/** @typedef {import("./editing.js").Frame} Frame */

/** @typedef {import("./ghosts.js").Ghost} Ghost */

/**
 * @template {Note} [N=Note]
 * @typedef {import("./song.js").NoteIndex<N>} NoteIndex
 */

/**
 * @typedef {object} Look what the pictures need to know beside the song
 * @property {(name: string) => boolean} isHeard
 * @property {string | null} spotlight the one instrument that is in the light
 * @property {import("./stems.js").Loop | null} loop
 * @property {boolean} loops whether that is gone round
 * @property {Uint8Array[] | null} probabilities of each instrument
 * @property {boolean} compares with the right notes
 * @property {{ selected: Note[], coming: Note[], frame: Frame | null }} editing
 * @property {{ shown: NoteIndex<Ghost>, picked: Ghost | null }} ghosts
 */

const RULER = 26; // pixels above the notes
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const BEAT_PX = 7; // at least, between two beats, or two bars, that have lines
const BAR_NUMBER_PX = 48;
const STEP_PX = 64; // at least, between two marks of the ruler

export class Roll {
  /**
   * @param {HTMLElement} root
   * @param {import("./axis.js").TimeAxis} axis
   * @param {import("./paint.js").Palette} palette
   */
  constructor(root, axis, palette) {
    this.axis = axis;
    this.palette = palette;
    this.still = new Sheet(find(root, "notes", HTMLCanvasElement));
    this.moving = new Sheet(find(root, "now", HTMLCanvasElement));
    /** @type {Map<string, CanvasPattern>} */
    this.hatches = new Map();
    /** @type {{ key: string, of: Uint8Array[], image: RollImage } | null} */
    this.probabilities = null; // that are on show
  }

  measure() {
    this.still.measure();
    this.moving.measure();
  }

  get rulerHeight() {
    return RULER;
  }

  /** @param {Song} song @returns {Rows} */
  rowsOf({ low, high }) {
    const height = this.still.height - RULER;
    return { low, high, top: RULER, height, row: height / (high - low + 1) };
  }

  /**
   * Top and thickness of a note, which shares its row with others that sound the same pitch at that time.
   *
   * @param {Note} note
   * @param {Rows} rows
   * @returns {[number, number]}
   */
  place(note, { low, high, row }) {
    const share = (row * 0.88) / note.shares;
    const bottom = RULER + (high - note.pitch + 1) * row - row * 0.06;
    return [bottom - (note.share + 1) * share, Math.max(2, share)];
  }

  /** @param {Song} song @param {Look} look */
  paint(song, look) {
    const { axis, palette } = this;
    const g = this.still.clean();
    const rows = this.rowsOf(song);
    this.paintGround(g, rows);
    this.paintProbabilities(g, song, look, rows);
    if (song.beats) this.paintBeats(g, song.beats, rows);
    this.paintRuler(g, rows, song.beats ? 0 : rows.height);
    this.paintLoop(g, look);
    g.save();
    g.beginPath();
    g.rect(axis.gutter, RULER, axis.width, rows.height);
    g.clip();
    const inSight = song.notes.between(axis.start, axis.end);
    // Whom one listens to comes last, over the others.
    const order = [...song.instruments].sort((a, b) => Number(isClear(a, look)) - Number(isClear(b, look)));
    for (const instrument of order) {
      this.paintNotes(g, instrument, inSight.filter((one) => one.instrument === instrument), look, rows);
    }
    this.paintGhosts(g, look, rows);
    if (look.compares && song.reference) this.paintReference(g, song.reference, look, rows);
    this.paintEditing(g, look.editing, rows);
    g.restore();
    if (song.notes.notes.length === 0) {
      g.fillStyle = palette.quiet;
      g.textAlign = "center";
      g.fillText("No notes", axis.gutter + axis.width / 2, RULER + rows.height / 2);
    }
    drawKeyboard(g, palette, rows, axis.gutter);
  }

  /** @param {CanvasRenderingContext2D} g @param {Rows} rows */
  paintGround(g, { low, high, top, height, row }) {
    const { axis, palette } = this;
    for (let pitch = low; pitch <= high; pitch++) {
      g.fillStyle = palette.soft;
      if (isBlack(pitch)) g.fillRect(axis.gutter, top + (high - pitch) * row, axis.width, row);
    }
    g.fillStyle = palette.line;
    for (let pitch = low; pitch <= high; pitch++) {
      if (pitch % 12 === 0) g.fillRect(axis.gutter, top + (high - pitch + 1) * row - 0.5, axis.width, 1);
    }
    g.fillRect(axis.gutter, top - 1, axis.width, 1);
  }

  /**
   * A line for each beat, a stronger one with its number for each bar; none where they would stand too close.
   *
   * @param {CanvasRenderingContext2D} g
   * @param {import("./timing.js").Beats} beats
   * @param {Rows} rows
   */
  paintBeats(g, { times, tempo, per_bar, first_downbeat }, { top, height }) {
    const { axis, palette } = this;
    const step = (60 / tempo) * axis.scale;
    const barsANumber = Math.ceil(BAR_NUMBER_PX / (step * per_bar));
    const pickup = first_downbeat ? 1 : 0; // the beats before the first downbeat are a bar, too
    g.textAlign = "left";
    times.forEach((second, index) => {
      const bar = (index - first_downbeat) / per_bar;
      const isBar = Number.isInteger(bar);
      const x = axis.x(second);
      if (x < axis.gutter || x > axis.fullWidth || step * (isBar ? per_bar : 1) < BEAT_PX) return;
      g.fillStyle = isBar ? palette.quiet : palette.line;
      g.globalAlpha = isBar ? 0.45 : 1;
      g.fillRect(x - 0.5, top, 1, height);
      if (isBar && bar % barsANumber === 0) g.fillText(String(bar + 1 + pickup), x + 3, top + 8);
      g.globalAlpha = 1;
    });
  }

  /** @param {CanvasRenderingContext2D} g @param {Rows} rows @param {number} below how far the marks go down */
  paintRuler(g, { top, height }, below = height) {
    const { axis, palette } = this;
    const step = rulerStep(axis.scale);
    const end = Math.min(axis.duration, axis.end);
    g.textAlign = "left";
    for (let k = Math.ceil(axis.start / step - 1e-9); k * step <= end; k++) {
      const x = axis.x(k * step);
      const text = clock(k * step, step < 1 ? 1 : 0);
      g.fillStyle = palette.line;
      g.fillRect(x - 0.5, RULER - 8, 1, 8 + below);
      g.fillStyle = palette.quiet;
      if (x + g.measureText(text).width + 6 < axis.fullWidth) g.fillText(text, x + 4, RULER / 2 - 1);
    }
  }

  /** @param {CanvasRenderingContext2D} g @param {Look} look */
  paintLoop(g, { loop, loops }) {
    const { axis, palette } = this;
    if (!loop) return;
    const edges = [axis.x(loop.start), axis.x(loop.end)];
    const [left, right] = edges.map((x) => Math.max(axis.gutter, Math.min(axis.fullWidth, x)));
    if (right <= left) return;
    g.fillStyle = loops ? palette.accent : palette.quiet;
    g.globalAlpha = loops ? 0.11 : 0.05;
    g.fillRect(left, RULER, right - left, this.still.height - RULER);
    g.globalAlpha = loops ? 0.3 : 0.15;
    g.fillRect(left, 2, right - left, RULER - 4);
    g.globalAlpha = 1;
    for (const x of edges) if (x >= axis.gutter && x <= axis.fullWidth) g.fillRect(x - 1.5, 2, 3, RULER - 4);
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Song} song
   * @param {Look} look
   * @param {Rows} rows
   */
  paintProbabilities(g, song, look, rows) {
    const { probabilities } = look;
    if (!probabilities) return;
    const shown = song.instruments.filter((one) => isClear(one, look));
    const key = `${shown.map((one) => one.index)} ${this.palette.isDark}`;
    if (this.probabilities?.key !== key || this.probabilities.of !== probabilities) {
      const columns = song.activity.columns;
      const planes = shown.map((one) => ({ values: probabilities[one.index], colourOf: () => this.palette.of(one) }));
      const image = new RollImage(probabilities[0].length / columns, columns, planes, true);
      this.probabilities = { key, of: probabilities, image };
    }
    const { image } = this.probabilities;
    const above = song.lowest + image.rows - 1 - song.high;
    image.draw(g, this.axis, song.frameRate, rows.top, rows.height, above, above + song.high - song.low + 1);
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {import("./song.js").Instrument} instrument
   * @param {Note[]} notes
   * @param {Look} look
   * @param {Rows} rows
   */
  paintNotes(g, instrument, notes, look, rows) {
    if (!notes.length) return;
    const colour = this.palette.of(instrument);
    const isOutline = look.probabilities !== null;
    const extra = look.compares ? notes.filter((one) => one.isExtra) : [];
    const sure = look.compares ? notes.filter((one) => !one.isExtra) : notes;
    g.globalAlpha = isClear(instrument, look) ? 0.85 : 0.13;
    g.fillStyle = g.strokeStyle = colour;
    this.trace(g, sure, rows);
    if (isOutline) g.globalAlpha *= 0.35;
    g.fill();
    if (isOutline) {
      g.globalAlpha = isClear(instrument, look) ? 1 : 0.13;
      g.lineWidth = 1.2;
      g.stroke();
    }
    if (extra.length) {
      this.trace(g, extra, rows);
      g.fillStyle = this.palette.card; // or the probabilities would show between the stripes
      g.fill();
      g.fillStyle = this.hatch(g, colour);
      g.fill();
      g.lineWidth = 1;
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Note[]} notes
   * @param {Rows} rows
   */
  trace(g, notes, rows) {
    const { axis } = this;
    g.beginPath();
    for (const note of notes) {
      const [top, thickness] = this.place(note, rows);
      bar(g, axis.x(note.onset), top, Math.max(2, (note.offset - note.onset) * axis.scale - 1), thickness);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} g
   * @param {Look} look
   * @param {Rows} rows
   */
  paintGhosts(g, look, rows) {
    const { axis, palette } = this;
    const { shown, picked } = look.ghosts;
    for (const ghost of shown.between(axis.start, axis.end)) {
      const clarity = isClear(ghost.instrument, look) ? 1 : 0.2;
      this.trace(g, [ghost], rows);
      g.fillStyle = palette.of(ghost.instrument);
      g.strokeStyle = ghost === picked ? palette.ink : g.fillStyle;
      g.lineWidth = ghost === picked ? 2 : 1;
      g.globalAlpha = 0.15 * clarity;
      g.fill();
      g.globalAlpha = clarity;
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  /**
   * The right notes: those found with a thin line around, those missed hollow and dashed.
   *
   * @param {CanvasRenderingContext2D} g
   * @param {NonNullable<Song["reference"]>} reference
   * @param {Look} look
   * @param {Rows} rows
   */
  paintReference(g, reference, look, rows) {
    const { axis, palette } = this;
    const inSight = reference.notes.between(axis.start, axis.end);
    for (const isHit of [true, false]) {
      for (const note of inSight.filter((one) => one.isHit === isHit)) {
        const [top, thickness] = this.place(note, rows);
        const length = Math.max(3, (note.offset - note.onset) * axis.scale - 1);
        g.globalAlpha = isClear(note.instrument, look) ? (isHit ? 0.6 : 1) : 0.15;
        g.strokeStyle = isHit ? palette.ink : palette.of(note.instrument);
        g.lineWidth = isHit ? 0.8 : 1.6;
        g.setLineDash(isHit ? [] : [4, 3]);
        g.strokeRect(axis.x(note.onset) + 0.5, top + 0.5, length - 1, Math.max(1, thickness - 1));
      }
    }
    g.setLineDash([]);
    g.globalAlpha = 1;
  }

  /**
   * The selected notes in outline, where a drag would put them, and the frame that is being drawn.
   *
   * @param {CanvasRenderingContext2D} g
   * @param {Look["editing"]} editing
   * @param {Rows} rows
   */
  paintEditing(g, { selected, coming, frame }, rows) {
    const { palette } = this;
    g.strokeStyle = palette.ink;
    g.lineWidth = 2;
    this.trace(g, selected, rows);
    g.stroke();
    for (const note of coming) {
      this.trace(g, [note], rows);
      g.fillStyle = palette.of(note.instrument);
      g.fill();
      g.stroke();
    }
    if (!frame) return;
    const { from, to } = frame;
    g.fillStyle = g.strokeStyle = palette.accent;
    g.lineWidth = 1;
    g.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    g.globalAlpha = 0.12;
    g.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
    g.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} g @param {string} colour */
  hatch(g, colour) {
    const pattern = this.hatches.get(colour) ?? hatched(g, colour);
    this.hatches.set(colour, pattern);
    return pattern;
  }

  /**
   * Light up the notes that sound, and their keys.
   *
   * @param {Song} song
   * @param {Look} look
   * @param {Note[]} notes
   */
  paintSounding(song, look, notes) {
    const { axis, palette } = this;
    const g = this.moving.clean();
    const rows = this.rowsOf(song);
    const clear = notes.filter((one) => isClear(one.instrument, look));
    for (const note of clear) drawKey(g, note.pitch, palette.of(note.instrument), rows, axis.gutter);
    g.save();
    g.beginPath();
    g.rect(axis.gutter, RULER, axis.width, rows.height);
    g.clip();
    for (const note of clear) {
      const colour = palette.of(note.instrument);
      g.shadowColor = colour;
      g.shadowBlur = 12;
      g.fillStyle = colour;
      this.trace(g, [note], rows);
      g.fill();
      g.shadowBlur = 0;
      g.globalAlpha = palette.isDark ? 0.55 : 0.35; // lighter on black, darker on white
      g.fillStyle = palette.ink;
      g.fill();
      g.globalAlpha = 1;
    }
    g.restore();
  }

  /** @param {number} y @param {Song} song */
  pitchAt(y, song) {
    const { high, top, row } = this.rowsOf(song);
    return high - Math.floor((y - top) / row);
  }

  /**
   * The notes that a frame touches.
   *
   * @param {Frame} frame
   * @param {Song} song
   */
  notesWithin({ from, to }, song) {
    const { axis } = this;
    const rows = this.rowsOf(song);
    const [left, right] = [from.x, to.x].sort((a, b) => a - b).map((x) => axis.start + (x - axis.gutter) / axis.scale);
    const [high, low] = [from.y, to.y].sort((a, b) => a - b);
    return song.notes.between(left, right).filter((note) => {
      const [top, thickness] = this.place(note, rows);
      return top <= low && top + thickness >= high;
    });
  }

  /**
   * The note, of those found or missed, under a point of the picture; of several one that is heard.
   *
   * @param {number} x
   * @param {number} y
   * @param {Song} song
   * @param {Look} look
   */
  noteAt(x, y, song, look) {
    const near = this.under(x, y, song, song.notes);
    const found = near.find((one) => isClear(one.instrument, look)) ?? near[0];
    if (found || !look.compares || !song.reference) return found ?? null;
    return this.under(x, y, song, song.reference.notes).find((one) => !one.isHit) ?? null;
  }

  /**
   * Those of some notes that lie under a point of the picture.
   *
   * @template {Note} N
   * @param {number} x
   * @param {number} y
   * @param {Song} song
   * @param {NoteIndex<N>} notes
   */
  under(x, y, song, notes) {
    const { axis } = this;
    if (y < RULER || x < axis.gutter) return [];
    const rows = this.rowsOf(song);
    const second = axis.start + (x - axis.gutter) / axis.scale;
    const slack = 3 / axis.scale;
    return notes.between(second - slack, second + slack).filter((note) => {
      const [top, thickness] = this.place(note, rows);
      return y >= top - 2 && y <= top + thickness + 2;
    });
  }
}

/**
 * Stripes.
 *
 * @param {CanvasRenderingContext2D} g
 * @param {string} colour
 */
function hatched(g, colour) {
  const tile = Object.assign(document.createElement("canvas"), { width: 12, height: 12 });
  const t = brush(tile);
  t.strokeStyle = colour;
  t.lineWidth = 3;
  for (const shift of [-12, 0, 12]) {
    t.moveTo(shift, 12);
    t.lineTo(shift + 12, 0);
  }
  t.stroke();
  const pattern = /** @type {CanvasPattern} */ (g.createPattern(tile, "repeat"));
  pattern.setTransform(new DOMMatrix().scale(0.5));
  return pattern;
}

/**
 * Seconds between two marks of the ruler, where a second is `scale` pixels.
 *
 * @param {number} scale
 */
export function rulerStep(scale) {
  return STEPS_S.find((one) => one * scale >= STEP_PX) ?? STEPS_S[STEPS_S.length - 1];
}

/**
 * Whether an instrument is in the light: the one that was picked, or else all that are heard.
 *
 * @param {import("./song.js").Instrument} instrument
 * @param {Look} look
 */
function isClear(instrument, { spotlight, isHeard }) {
  return spotlight ? instrument.name === spotlight : isHeard(instrument.name);
}
