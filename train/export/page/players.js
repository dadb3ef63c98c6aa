// Who plays, decided for each note as a whole: mtinst/hear/players.py in JavaScript. See there for what and why.

import { N_PITCHES, rowOf } from "./rolls.js";

const SOUNDS = Math.fround(0.4); // as NumPy compares it
const BEGINS = Math.fround(0.3);
const TOGETHER = 0.6;
const RIVALRY = 0.3;
const RIVAL = -1;
const FAINTEST = 1e-4;

/** @param {import("./rolls.js").Rolls} rolls of which `piano` and `instrument` are changed in place */
export function assignPlayers({ nFrames, piano, onset, instrument, pitch }) {
  const nInstruments = instrument.length / nFrames;
  const before = new Float32Array(instrument.length).fill(-Infinity);
  const after = before.slice();
  const everyone = Array.from({ length: nInstruments }, (_, k) => k);
  for (let row = 0; row < N_PITCHES; row++) {
    const cells = everyone.map((k) => rowOf(piano, k * N_PITCHES + row, nFrames));
    const odds = cells.map((cell) => Float32Array.from(cell, logOdds));
    keepLargest(before, odds);
    weakenByRivals(odds, nFrames);
    const onsets = everyone.map((k) => rowOf(onset, k * N_PITCHES + row, nFrames));
    drawTogether(odds, rowOf(pitch, row, nFrames), onsets);
    keepLargest(after, odds);
    for (const k of everyone) for (let t = 0; t < nFrames; t++) cells[k][t] = probability(odds[k][t]);
  }
  for (let k = 0; k < instrument.length; k++) {
    instrument[k] = probability(logOdds(instrument[k]) + after[k] - before[k]);
  }
}

/** @param {Float32Array} largest @param {Float32Array[]} odds of each instrument */
function keepLargest(largest, odds) {
  const nFrames = odds[0].length;
  odds.forEach((row, k) => row.forEach((value, t) => {
    if (value > largest[k * nFrames + t]) largest[k * nFrames + t] = value;
  }));
}

/** @param {Float32Array[]} odds @param {number} nFrames */
function weakenByRivals(odds, nFrames) {
  for (let t = 0; t < nFrames; t++) {
    let [first, second] = [-Infinity, -Infinity];
    for (const row of odds) {
      if (row[t] > first) [first, second] = [row[t], first];
      else if (row[t] > second) second = row[t];
    }
    for (const row of odds) row[t] -= RIVALRY * Math.max(0, (row[t] === first ? second : first) - RIVAL);
  }
}

/**
 * Towards the mean of each run of sounding frames from one onset to the next.
 *
 * @param {Float32Array[]} odds
 * @param {Float32Array} pitch
 * @param {Float32Array[]} onsets
 */
function drawTogether(odds, pitch, onsets) {
  const nFrames = pitch.length;
  const begins = pitch.map((_, t) => Math.max(...onsets.map((row) => row[t])));
  const sounds = (/** @type {number} */ t) => pitch[t] > SOUNDS;
  const isOnset = (/** @type {number} */ t) =>
    begins[t] > BEGINS && (t === 0 || begins[t] >= begins[t - 1]) && (t === nFrames - 1 || begins[t] > begins[t + 1]);
  for (let first = 0, end = 0; first < nFrames; first = end) {
    end = first + 1;
    if (!sounds(first)) continue;
    while (end < nFrames && sounds(end) && !isOnset(end)) end++;
    for (const row of odds) {
      let sum = 0;
      for (let t = first; t < end; t++) sum += row[t];
      for (let t = first; t < end; t++) row[t] += TOGETHER * (sum / (end - first) - row[t]);
    }
  }
}

/** @param {number} value */
function logOdds(value) {
  const clipped = Math.min(1 - FAINTEST, Math.max(FAINTEST, value));
  return Math.log(clipped / (1 - clipped));
}

/** @param {number} odds */
const probability = (odds) => 1 / (1 + Math.exp(-odds));
