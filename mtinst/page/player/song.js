// A song as the server describes it (see song.py), made quick to ask: which notes are in sight, which sound now.
(() => {
  const PITCH_CLASSES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

  const pitchName = (pitch) => `${PITCH_CLASSES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

  // Minutes and seconds; with `decimals` of them when a step of the ruler, or a note, asks for it.
  function clock(second, decimals = 0) {
    const unit = 10 ** decimals;
    const units = Math.floor(Math.max(0, second) * unit + 1e-6);
    const minutes = Math.floor(units / (60 * unit));
    const rest = (units % (60 * unit)) / unit;
    return `${minutes}:${rest.toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0")}`;
  }

  // Notes by onset. Asking for those in a span takes two binary searches and a walk over little more than the answer.
  class NoteIndex {
    constructor(notes) {
      this.notes = [...notes].sort((a, b) => a.onset - b.onset);
      let latest = -Infinity;
      this.latest = Float64Array.from(this.notes, ({ offset }) => (latest = Math.max(latest, offset)));
    }

    // Every note that sounds at some time of [from, to).
    between(from, to) {
      const first = firstWhere(this.notes.length, (k) => this.latest[k] > from);
      const end = firstWhere(this.notes.length, (k) => this.notes[k].onset >= to);
      const found = [];
      for (let k = first; k < end; k++) if (this.notes[k].offset > from) found.push(this.notes[k]);
      return found;
    }

    at(second) {
      return this.between(second, second + 1e-9);
    }
  }

  // The first of 0 … length - 1 for which a claim holds that holds for all after it; `length` when it never does.
  function firstWhere(length, holds) {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // song.json with its rolls as bytes and its notes as records.
  function unpackSong(record) {
    // The first nine are muted by the digits, the others by their first letters.
    const keyOf = ({ label }, index) => (index < 9 ? String(index + 1) : label[0]);
    const instruments = record.instruments.map((one, index) => ({ ...one, index, key: keyOf(one, index) }));
    for (const instrument of instruments) {
      const extra = new Set(instrument.extra ?? []);
      instrument.notes = instrument.notes.map(([onset, offset, pitch, share, shares], k) => ({
        onset,
        offset,
        pitch,
        share,
        shares,
        instrument,
        confidence: instrument.confidences?.[k],
        isExtra: extra.has(k),
      }));
    }
    const song = {
      duration: record.duration,
      frameRate: record.frame_rate,
      low: record.low,
      high: record.high,
      lowest: record.lowest,
      instruments,
      byName: new Map(instruments.map((one) => [one.name, one])),
      notes: new NoteIndex(instruments.flatMap((one) => one.notes)),
      activity: unpackRoll(record.activity),
      pitches: unpackRoll(record.pitches),
      reference: null,
    };
    if (record.reference) song.reference = unpackReference(record.reference, song);
    return song;
  }

  function unpackRoll({ values, ...roll }) {
    const bytes = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
    return { ...roll, values: bytes, columns: bytes.length / roll.rows };
  }

  function unpackReference({ notes, scores }, song) {
    const all = Object.entries(notes).flatMap(([name, rows]) =>
      rows.map(([onset, offset, pitch, isHit]) => ({
        onset,
        offset,
        pitch,
        share: 0,
        shares: 1,
        instrument: song.byName.get(name),
        isHit: Boolean(isHit),
      })),
    );
    for (const { pitch } of all) {
      song.low = Math.min(song.low, pitch);
      song.high = Math.max(song.high, pitch);
    }
    return { notes: new NoteIndex(all), scores };
  }

  // probabilities.u8 as one Uint8Array an instrument, in table order, each (pitch, frame) row by row.
  async function loadProbabilities(url, song) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} for ${url}`);
    const unzipped = response.body.pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(unzipped).arrayBuffer());
    const size = bytes.length / song.instruments.length;
    return song.instruments.map((_, index) => bytes.subarray(index * size, (index + 1) * size));
  }

  window.mtinst = { ...window.mtinst, pitchName, clock, NoteIndex, unpackSong, loadProbabilities };
})();
