// What a person put right by hand, as mtinst/edits.py has it: changes of single notes, in order, over those of a record.

/** @typedef {import("./song.js").Note} Note */

/** @typedef {import("./song.js").Instrument} Instrument */

/** @typedef {[onset: number, offset: number, pitch: number, instrument: string]} NoteValues */

/** @typedef {{ was: NoteValues | null, now: NoteValues | null }} Edit of a note; there is no `was` of one added, no `now` of one removed */

/** @typedef {{ steps: Edit[][], undone: Edit[][] }} History what was done, in steps that are taken back as one */

export const FRAME_S = 0.032; // also the shortest note
const SAME_S = 0.05; // between the onsets of a note and of the same one decoded otherwise
const LOWEST = 21;
const HIGHEST = 108;

/** @param {number} second */
const rounded = (second) => Math.round(second * 1e4) / 1e4;

/** @param {Note} note @returns {NoteValues} */
export const valuesOf = ({ onset, offset, pitch, instrument }) => [onset, offset, pitch, instrument.name];

/** @param {NoteValues} values @param {Instrument[]} instruments @returns {Note} */
export function noteOf([onset, offset, pitch, name], instruments) {
  const instrument = instruments.find((one) => one.name === name);
  if (!instrument) throw new TypeError(`there is no instrument ${name}`);
  return { onset, offset, pitch, share: 0, shares: 1, instrument };
}

/**
 * A note that goes over an edge stops there.
 *
 * @param {NoteValues} values
 * @returns {NoteValues}
 */
export function within([onset, offset, pitch, instrument]) {
  const start = rounded(Math.max(0, onset));
  const end = rounded(Math.max(offset, start + FRAME_S));
  return [start, end, Math.max(LOWEST, Math.min(HIGHEST, pitch)), instrument];
}

/**
 * Notes moved as one, as far as the first of them to come to an edge lets them; none begins after `latest`.
 *
 * @param {NoteValues[]} all
 * @param {number} seconds
 * @param {number} semitones
 * @returns {NoteValues[]}
 */
export function moved(all, seconds, semitones, latest = Infinity) {
  const onsets = all.map(([onset]) => onset);
  const pitches = all.map(([, , pitch]) => pitch);
  const later = Math.max(-least(onsets), Math.min(seconds, Math.max(0, latest - most(onsets))));
  const higher = Math.max(LOWEST - least(pitches), Math.min(HIGHEST - most(pitches), semitones));
  return all.map(([onset, offset, pitch, name]) => within([onset + later, offset + later, pitch + higher, name]));
}

/** @param {NoteValues[]} all @param {number} seconds @returns {NoteValues[]} */
export const lengthened = (all, seconds) =>
  all.map(([onset, offset, pitch, name]) => within([onset, offset + seconds, pitch, name]));

/**
 * The notes as they are after all edits; one that changes a note that is not there only adds.
 *
 * @param {Note[]} notes
 * @param {Edit[]} edits
 * @param {Instrument[]} instruments
 */
export function edited(notes, edits, instruments) {
  /** @type {Note[][]} */
  const rows = Array.from({ length: 128 }, () => []); // by pitch
  for (const note of notes) rows[note.pitch].push(note);
  for (const { was, now } of edits) {
    if (was) removeNearest(rows[was[2]], was);
    if (now) rows[now[2]].push(noteOf(now, instruments));
  }
  return rows.flat();
}

/** @param {Note[]} notes of one pitch @param {NoteValues} wanted */
function removeNearest(notes, [onset, , , name]) {
  const distances = notes.map((note) => (note.instrument.name === name ? Math.abs(note.onset - onset) : Infinity));
  const nearest = distances.indexOf(least(distances));
  if (distances[nearest] <= SAME_S + 1e-9) notes.splice(nearest, 1);
}

/**
 * The edits that lead from notes that have these edits to notes that have those.
 *
 * @param {Edit[]} these
 * @param {Edit[]} those
 * @returns {Edit[]}
 */
export function difference(these, those) {
  let common = 0;
  while (common < these.length && JSON.stringify(these[common]) === JSON.stringify(those[common])) common++;
  const back = these.slice(common).reverse().map(({ was, now }) => ({ was: now, now: was }));
  return [...back, ...those.slice(common)];
}

/** @param {Edit[]} edits @returns {History} */
export const historyOf = (edits) => ({ steps: edits.map((one) => [one]), undone: [] });

/** @param {History} history */
export const editsOf = ({ steps }) => steps.flat();

/** @param {History} history @param {Edit[]} step @returns {History} */
export const withStep = ({ steps }, step) => ({ steps: [...steps, step], undone: [] });

/** @param {History} history @returns {History} */
export const undo = ({ steps, undone }) => ({ steps: steps.slice(0, -1), undone: [...undone, ...steps.slice(-1)] });

/** @param {History} history @returns {History} */
export const redo = ({ steps, undone }) => ({ steps: [...steps, ...undone.slice(-1)], undone: undone.slice(0, -1) });

/**
 * Everything taken back, as one step.
 *
 * @param {History} history
 * @returns {History}
 */
export const reset = ({ steps, undone }) => ({ steps: [], undone: [...undone, steps.flat()] });

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

/** @param {number[]} values */
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
