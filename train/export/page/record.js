// A song as the player takes it: what `song_record` in mtinst/page/player/song.py writes.

import { shareRows } from "../../../mtinst/page/player/song.js";
import { N_PITCHES, round, rowOf } from "./rolls.js";

/** @typedef {import("../../../mtinst/page/player/song.js").SongRecord} SongRecord */

const LEAST_RANGE = 24; // pitches that are shown, at least
const SOUNDS = 0.25;

/**
 * @param {import("./rolls.js").Rolls} rolls
 * @param {import("./notes.js").Note[]} notes by onset
 * @param {number} durationS
 * @param {import("./metadata.js").Metadata} metadata
 * @returns {SongRecord}
 */
export function songRecord(rolls, notes, durationS, { frameSeconds, lowestPitch, instruments }) {
  const named = instruments.map((names, index) => ({ ...names, index, key: "", notes: [] }));
  const shared = notes.map((note) => ({ ...note, share: 0, shares: 1, instrument: named[note.instrument] }));
  shareRows(shared);
  const [low, high] = pitchRange(notes.map(({ pitch }) => pitch), lowestPitch);
  const rows = Array.from({ length: N_PITCHES }, (_, row) => rowOf(rolls.pitch, row, rolls.nFrames));
  const sounding = rows.flatMap((row, k) => (row.some((value) => value >= SOUNDS) ? [lowestPitch + k] : []));
  const [first, last] = pitchRange(sounding, lowestPitch);
  const shown = rolls.pitch.subarray((first - lowestPitch) * rolls.nFrames, (last - lowestPitch + 1) * rolls.nFrames);
  return {
    duration: durationS,
    frame_rate: 1 / frameSeconds,
    low,
    high,
    lowest: lowestPitch,
    instruments: named.map(({ index, key, ...names }) => {
      const own = shared.filter(({ instrument }) => instrument.index === index);
      return {
        ...names,
        notes: own.map(({ onset, offset, pitch, share, shares }) => [onset, offset, pitch, share, shares]),
        confidences: own.map(({ confidence }) => confidence),
      };
    }),
    edits: [],
    activity: packed(rolls.instrument, instruments.length),
    pitches: { ...packed(shown, last - first + 1), lowest: first },
  };
}

/**
 * Those that sound and a little more, two octaves at least.
 *
 * @param {number[]} pitches
 * @param {number} lowest
 */
function pitchRange(pitches, lowest) {
  const highest = lowest + N_PITCHES - 1;
  if (!pitches.length) return [Math.max(lowest, 48), Math.min(highest, 84)];
  const low = pitches.reduce((a, b) => Math.min(a, b)) - 2;
  const high = pitches.reduce((a, b) => Math.max(a, b)) + 2;
  const missing = Math.max(0, LEAST_RANGE - (high - low));
  const below = Math.floor(missing / 2);
  return [Math.max(lowest, low - below), Math.min(highest, high + missing - below)];
}

/** @param {Float32Array} roll @param {number} rows */
function packed(roll, rows) {
  let letters = "";
  for (const value of roll) letters += String.fromCharCode(round(Math.min(1, Math.max(0, value)) * 255));
  return { rows, values: btoa(letters) };
}
