// What the graph says of a song, and small sums that are done as NumPy does them.

/**
 * @typedef {object} Rolls probabilities, row by row, a number a frame
 * @property {number} nFrames
 * @property {Float32Array} piano instrument by pitch
 * @property {Float32Array} onset instrument by pitch
 * @property {Float32Array} instrument
 * @property {Float32Array} pitch
 * @property {Float32Array} levels of sound, by pitch
 */

export const SAMPLE_RATE = 16000; // of what the graph takes
export const N_PITCHES = 88;
const RESOLUTION = 1024; // steps to which the large rolls are rounded

/** @param {number} value to the even neighbour where it lies between two, as Python does */
export function round(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

/**
 * One row of a roll, as a view.
 *
 * @param {Float32Array} roll
 * @param {number} row
 * @param {number} nFrames
 */
export const rowOf = (roll, row, nFrames) => roll.subarray(row * nFrames, (row + 1) * nFrames);

/** @param {Float32Array} values @param {number} first @param {number} end */
export function mean(values, first = 0, end = values.length) {
  let sum = 0;
  for (let k = first; k < end; k++) sum += values[k];
  return sum / (end - first);
}

/** @param {Rolls} rolls changed in place, as the pipeline does before it decodes notes */
export function roundRolls({ piano, onset, levels }) {
  for (const roll of [piano, onset, levels]) {
    for (let k = 0; k < roll.length; k++) roll[k] = round(Math.fround(roll[k] * RESOLUTION)) / RESOLUTION;
  }
}
