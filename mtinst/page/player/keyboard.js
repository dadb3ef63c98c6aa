// A piano's keys at the left of the roll, one row a semitone, with the names of some.

import { pitchName } from "./song.js";


/** @typedef {{ low: number, high: number, top: number, height: number, row: number }} Rows of pitches: where all are, and how high each */

const BLACK = new Set([1, 3, 6, 8, 10]);
const WIDTH = 30;
const BLACK_WIDTH = 18;

/** @param {number} pitch */
export const isBlack = (pitch) => BLACK.has(pitch % 12);

/**
 * @param {CanvasRenderingContext2D} g
 * @param {import("./paint.js").Palette} palette
 * @param {Rows} rows
 * @param {number} right where the keys end
 */
export function drawKeyboard(g, palette, rows, right) {
  const left = right - WIDTH;
  g.fillStyle = palette.isDark ? "#cdd3df" : "#ffffff";
  g.fillRect(left, rows.top, WIDTH, rows.height);
  for (let pitch = rows.low; pitch <= rows.high; pitch++) {
    const top = topOf(pitch, rows);
    g.fillStyle = palette.isDark ? "#8d95a5" : "#c3c8d3";
    // White keys meet under a black key's middle, and between E and F and B and C.
    if (isBlack(pitch)) g.fillRect(left + BLACK_WIDTH, top + rows.row / 2, WIDTH - BLACK_WIDTH, 0.7);
    else if (!isBlack(pitch + 1) && pitch < rows.high) g.fillRect(left, top, WIDTH, 0.7);
    if (isBlack(pitch)) drawKey(g, pitch, palette.isDark ? "#0b0d11" : "#39414f", rows, right);
  }
  g.strokeStyle = palette.line;
  g.strokeRect(left - 0.5, rows.top - 0.5, WIDTH + 1, rows.height + 1);
  drawPitchNames(g, palette, rows, left - 5);
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number} pitch
 * @param {string} colour
 * @param {Rows} rows
 * @param {number} right
 */
export function drawKey(g, pitch, colour, rows, right) {
  g.fillStyle = colour;
  g.fillRect(right - WIDTH, topOf(pitch, rows) + 0.5, isBlack(pitch) ? BLACK_WIDTH : WIDTH, Math.max(1, rows.row - 1));
}

/**
 * Whether a row of that height has room for a pitch's name: each C and, in higher rows, G, or every white key.
 *
 * @param {number} pitch
 * @param {number} row
 */
export function isNamed(pitch, row) {
  if (row >= 11) return !isBlack(pitch);
  if (row * 12 < 26) return pitch % 24 === 0;
  return pitch % 12 === 0 || (row >= 6 && pitch % 12 === 7);
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {import("./paint.js").Palette} palette
 * @param {Rows} rows
 * @param {number} right
 */
export function drawPitchNames(g, palette, rows, right) {
  g.fillStyle = palette.quiet;
  g.textAlign = "right";
  for (let pitch = rows.low; pitch <= rows.high; pitch++) {
    const y = topOf(pitch, rows) + rows.row / 2;
    const isInside = y > rows.top + 5 && y < rows.top + rows.height - 4;
    if (isInside && isNamed(pitch, rows.row)) g.fillText(pitchName(pitch), right, y);
  }
}

/** @param {number} pitch @param {Rows} rows */
export const topOf = (pitch, { high, top, row }) => top + (high - pitch) * row;
