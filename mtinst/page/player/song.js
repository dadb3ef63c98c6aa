// A song as the server describes it (see song.py), made quick to ask: which notes are in sight, which sound now.

/** @typedef {[onset: number, offset: number, pitch: number, share: number, shares: number]} NoteRow */

/** @typedef {{ rows: number, values: string }} RollRecord in base64, one byte a cell */

/** @typedef {{ note_f1: number, note_instrument_f1: number, precision: number, recall: number }} Scores */

/** @typedef {{ name: string, label: string, short: string, light: string, dark: string }} Names of an instrument, and its colours */

/** @typedef {Names & { notes: NoteRow[], confidences?: number[], extra?: number[] }} InstrumentRecord */

/**
 * @typedef {object} SongRecord what `song_record` writes
 * @property {number} duration in seconds
 * @property {number} frame_rate
 * @property {number} low
 * @property {number} high
 * @property {number} lowest
 * @property {InstrumentRecord[]} instruments
 * @property {import("./edits.js").Edit[]} edits that the notes have
 * @property {import("./timing.js").Beats | null} [beats]
 * @property {import("./timing.js").Said} [timing] what is said of these
 * @property {RollRecord} activity
 * @property {RollRecord & { lowest: number }} pitches
 * @property {ReferenceRecord} [reference]
 */

/** @typedef {{ notes: Record<string, [number, number, number, number][]>, scores: Scores }} ReferenceRecord */

/** @typedef {Names & { index: number, key: string, notes: Note[] }} Instrument and the key that mutes it */

/**
 * @typedef {object} Note
 * @property {number} onset
 * @property {number} offset
 * @property {number} pitch
 * @property {number} share which of the notes that share its row at that time
 * @property {number} shares how many do
 * @property {Instrument} instrument
 * @property {number} [confidence]
 * @property {boolean} [isExtra] not among the right notes
 * @property {boolean} [isHit] of a right note: found
 */

/** @typedef {{ rows: number, columns: number, values: Uint8Array }} Picture of a roll, row by row */

/** @typedef {ReturnType<typeof unpackSong>} Song */

export const TOUCHING_S = 0.016; // notes that overlap by less follow each other
const PITCH_CLASSES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

/** @param {number} pitch */
export const pitchName = (pitch) => `${PITCH_CLASSES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

/**
 * Minutes and seconds; with `decimals` of them when a step of the ruler, or a note, asks for it.
 *
 * @param {number} second
 */
export function clock(second, decimals = 0) {
  const unit = 10 ** decimals;
  const units = Math.floor(Math.max(0, second) * unit + 1e-6);
  const minutes = Math.floor(units / (60 * unit));
  const rest = (units % (60 * unit)) / unit;
  return `${minutes}:${rest.toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0")}`;
}

/**
 * Notes by onset. Asking for those in a span takes two binary searches and a walk over little more than the answer.
 *
 * @template {Note} [N=Note]
 */
export class NoteIndex {
  /** @param {N[]} notes */
  constructor(notes) {
    this.notes = [...notes].sort((a, b) => a.onset - b.onset);
    let latest = -Infinity;
    this.latest = Float64Array.from(this.notes, ({ offset }) => (latest = Math.max(latest, offset)));
  }

  /**
   * Every note that sounds at some time of [from, to).
   *
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    const first = firstWhere(this.notes.length, (k) => this.latest[k] > from);
    const end = firstWhere(this.notes.length, (k) => this.notes[k].onset >= to);
    const found = [];
    for (let k = first; k < end; k++) if (this.notes[k].offset > from) found.push(this.notes[k]);
    return found;
  }

  /** @param {number} second */
  at(second) {
    return this.between(second, second + 1e-9);
  }
}

/**
 * The note after another one, or before it; where that is not among them, the next one after a time, or before it.
 *
 * @template {Note} N
 * @param {N[]} notes by onset
 * @param {N | null | undefined} one
 * @param {number} second
 * @param {1 | -1} direction
 * @returns {N | undefined}
 */
export function neighbour(notes, one, second, direction) {
  const index = one ? notes.indexOf(one) : -1;
  if (index >= 0) return notes[index + direction];
  const after = notes.findIndex(({ onset }) => onset >= second - 1e-6);
  return notes[(after < 0 ? notes.length : after) - Number(direction < 0)];
}

/**
 * The first of 0 … length - 1 for which a claim holds that holds for all after it; `length` when it never does.
 *
 * @param {number} length
 * @param {(k: number) => boolean} holds
 */
function firstWhere(length, holds) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * A record with its rolls as bytes and its notes as objects.
 *
 * @param {SongRecord} record
 */
export function unpackSong(record) {
  const instruments = record.instruments.map(unpackInstrument);
  const byName = new Map(instruments.map((one) => [one.name, one]));
  const reference = record.reference ? unpackReference(record.reference, byName) : null;
  const pitches = reference?.notes.notes.map(({ pitch }) => pitch) ?? [];
  return {
    duration: record.duration,
    frameRate: record.frame_rate,
    low: pitches.reduce((a, b) => Math.min(a, b), record.low),
    high: pitches.reduce((a, b) => Math.max(a, b), record.high),
    lowest: record.lowest,
    instruments,
    edits: record.edits,
    beats: record.beats ?? null,
    timing: record.timing ?? null,
    notes: new NoteIndex(instruments.flatMap((one) => one.notes)),
    activity: unpackRoll(record.activity),
    pitches: { ...unpackRoll(record.pitches), lowest: record.pitches.lowest },
    reference,
  };
}

/**
 * Have a song consist of other notes; the picture grows where it has to.
 *
 * @param {Song} song
 * @param {Note[]} notes
 */
export function setNotes(song, notes) {
  song.notes = new NoteIndex(notes);
  shareRows(song.notes.notes);
  for (const one of song.instruments) one.notes = [];
  for (const note of song.notes.notes) {
    note.instrument.notes.push(note);
    song.low = Math.min(song.low, note.pitch);
    song.high = Math.max(song.high, note.pitch);
  }
}

/**
 * Which share of its row each note is drawn in: see `row_shares`, which has done it for the notes of a record.
 *
 * @param {Note[]} notes by onset
 */
export function shareRows(notes) {
  /** @type {Map<number, { end: number, notes: Note[] }>} */
  const latest = new Map(); // pitch -> its last chain of notes that overlap
  const chains = [];
  for (const note of notes) {
    let chain = latest.get(note.pitch);
    if (!chain || note.onset > chain.end - TOUCHING_S) {
      chain = { end: 0, notes: [] };
      latest.set(note.pitch, chain);
      chains.push(chain);
    }
    chain.notes.push(note);
    chain.end = Math.max(chain.end, note.offset);
  }
  for (const chain of chains) {
    const fromBelow = [...new Set(chain.notes.map(({ instrument }) => instrument.index))].sort((a, b) => b - a);
    for (const note of chain.notes) {
      note.share = fromBelow.indexOf(note.instrument.index);
      note.shares = fromBelow.length;
    }
  }
}

/** @param {InstrumentRecord} record @param {number} index */
function unpackInstrument({ notes, confidences, extra, ...names }, index) {
  const extras = new Set(extra);
  // The first nine are muted by the digits, the others by their first letters.
  const key = index < 9 ? String(index + 1) : names.label[0];
  /** @type {Instrument} */
  const instrument = { ...names, index, key, notes: [] };
  instrument.notes = notes.map(([onset, offset, pitch, share, shares], k) => ({
    onset,
    offset,
    pitch,
    share,
    shares,
    instrument,
    confidence: confidences?.[k],
    isExtra: extras.has(k),
  }));
  return instrument;
}

/** @param {RollRecord} record @returns {Picture} */
function unpackRoll({ rows, values }) {
  const bytes = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
  return { rows, columns: bytes.length / rows, values: bytes };
}

/** @param {ReferenceRecord} record @param {Map<string, Instrument>} byName */
function unpackReference({ notes, scores }, byName) {
  const all = [...byName].flatMap(([name, instrument]) =>
    (notes[name] ?? []).map(([onset, offset, pitch, isHit]) => ({
      onset,
      offset,
      pitch,
      share: 0,
      shares: 1,
      instrument,
      isHit: Boolean(isHit),
    })),
  );
  return { notes: new NoteIndex(all), scores };
}

/**
 * How likely each instrument plays a note: the means of its probabilities over the note's frames.
 *
 * @param {Note} note
 * @param {Uint8Array[]} planes of probabilities, as `loadProbabilities` gives them
 * @param {Song} song
 */
export function sharesOf({ onset, offset, pitch }, planes, song) {
  const { columns } = song.activity;
  const first = Math.min(columns - 1, Math.round(onset * song.frameRate));
  const end = Math.max(first + 1, Math.min(columns, Math.round(offset * song.frameRate)));
  const row = (pitch - song.lowest) * columns;
  return planes.map((plane) => {
    const cells = plane.subarray(row + first, row + end);
    return cells.reduce((sum, value) => sum + value, 0) / (255 * cells.length);
  });
}

/**
 * probabilities.u8 as one Uint8Array an instrument, in table order, each (pitch, frame) row by row.
 *
 * @param {string} url
 * @param {Song} song
 */
export async function loadProbabilities(url, song) {
  const bytes = await unzipped(url);
  const size = bytes.length / song.instruments.length;
  return song.instruments.map((_, index) => bytes.subarray(index * size, (index + 1) * size));
}

/**
 * A file that is compressed by zlib.
 *
 * @param {string} url
 */
export async function unzipped(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} for ${url}`);
  const stream = response.body?.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
