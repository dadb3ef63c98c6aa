import assert from "node:assert/strict";
import test from "node:test";

import { NoteIndex, clock, neighbour, pitchName, setNotes, sharesOf, unpackSong } from "../../mtinst/page/player/song.js";

const NAMES = ["Piano", "Guitar", "Bass", "Violin", "Viola", "Cello", "Trumpet", "Saxophone", "Flute", "Voice", "Other"];
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

function record(changes = {}) {
  const instruments = NAMES.map((label) => ({ name: label.toLowerCase(), label, notes: [], confidences: [] }));
  Object.assign(instruments[3], { notes: [[0.5, 1, 64, 0, 2], [1, 2, 65, 0, 1]], confidences: [0.9, 0.4], extra: [1] });
  const [activity, pitches] = [
    { rows: 11, values: base64(new Uint8Array(22).fill(7)) },
    { rows: 2, values: base64([0, 255, 128, 1]), lowest: 64 },
  ];
  return { duration: 2, frame_rate: 1, low: 60, high: 72, lowest: 21, instruments, edits: [], activity, pitches, ...changes };
}

test("pitches have the names that musicians give them", () => {
  assert.deepEqual([60, 21, 108, 73].map(pitchName), ["C4", "A0", "C8", "C♯5"]);
});

test("the clock never says sixty seconds, nor less than nothing", () => {
  assert.equal(clock(59.99), "0:59");
  assert.equal(clock(60), "1:00");
  assert.equal(clock(59.96, 1), "0:59.9");
  assert.equal(clock(3605.25, 2), "60:05.25");
  assert.equal(clock(-1, 1), "0:00.0");
});

test("notes between two times are those that a look at each finds", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const notes = Array.from({ length: 300 }, () => ({ onset: 20 * random() }));
  for (const note of notes) note.offset = note.onset + 4 * random() ** 3;
  const index = new NoteIndex(notes);
  for (let k = 0; k < 200; k++) {
    const from = 24 * random() - 2;
    const to = from + 3 * random() ** 2;
    const wanted = notes.filter((one) => one.onset < to && one.offset > from);
    assert.deepEqual(new Set(index.between(from, to)), new Set(wanted));
  }
});

test("a note sounds from its onset until before its offset", () => {
  const { notes } = unpackSong(record());
  assert.deepEqual(notes.at(0.999).map((one) => one.pitch), [64]);
  assert.deepEqual(notes.at(1).map((one) => one.pitch), [65]);
  assert.deepEqual(notes.at(2), []);
});

test("the digits mute the first nine instruments, and letters the others", () => {
  assert.equal(unpackSong(record()).instruments.map((one) => one.key).join(""), "123456789VO");
});

test("a note knows its instrument, how sure it is, and whether it is too much", () => {
  const [first, second] = unpackSong(record()).notes.notes;
  assert.equal(first.instrument.label, "Violin");
  assert.deepEqual([first.confidence, first.isExtra, second.confidence, second.isExtra], [0.9, false, 0.4, true]);
  assert.deepEqual([first.share, first.shares], [0, 2]);
});

test("rolls are bytes, row by row", () => {
  const { activity, pitches } = unpackSong(record());
  assert.deepEqual([activity.rows, activity.columns], [11, 2]);
  assert.deepEqual([...pitches.values], [0, 255, 128, 1]);
});

test("the right notes make the picture as high as they need", () => {
  const notes = { cello: [[0, 1, 40, 0]], flute: [[0, 1, 90, 1]] };
  const { low, high, reference } = unpackSong(record({ reference: { notes, scores: { note_f1: 0.5 } } }));
  assert.deepEqual([low, high], [40, 90]);
  assert.deepEqual(reference.notes.notes.map((one) => [one.instrument.name, one.isHit]), [["cello", false], ["flute", true]]);
  assert.equal(unpackSong(record()).reference, null);
});

test("other notes are counted, share rows and make the picture higher", () => {
  const song = unpackSong(record());
  const [first, second] = song.notes.notes;
  const piano = song.instruments[0];
  const added = { ...first, onset: 0.7, pitch: 90, instrument: piano };
  setNotes(song, [added, second, { ...first, pitch: 90 }]);
  assert.deepEqual(song.instruments.map((one) => one.notes.length).slice(0, 4), [1, 0, 0, 2]);
  assert.deepEqual([song.low, song.high], [60, 90]);
  assert.deepEqual(song.notes.notes.map(({ share, shares }) => [share, shares]), [[0, 2], [1, 2], [0, 1]]);
});

test("a note's neighbours are those beside it, or beside a time where it is not there", () => {
  const notes = [0, 1, 1, 2].map((onset) => ({ onset }));
  assert.equal(neighbour(notes, notes[1], 0, 1), notes[2]);
  assert.equal(neighbour(notes, notes[1], 0, -1), notes[0]);
  assert.equal(neighbour(notes, notes[3], 0, 1), undefined);
  assert.equal(neighbour(notes, null, 1, 1), notes[1]);
  assert.equal(neighbour(notes, { onset: 1 }, 1, -1), notes[0]);
  assert.equal(neighbour(notes, null, 9, 1), undefined);
  assert.equal(neighbour(notes, null, 9, -1), notes[3]);
});

test("shares are the means of an instrument's probabilities over a note's frames, of which it has one at least", () => {
  const song = { frameRate: 10, lowest: 60, activity: { columns: 4 } };
  const planes = [[0, 0, 0, 0, 0, 255, 0, 0], [9, 9, 9, 9, 51, 51, 102, 153]].map((one) => Uint8Array.from(one));
  assert.deepEqual(sharesOf({ onset: 0.1, offset: 0.3, pitch: 61 }, planes, song), [0.5, 0.3]);
  assert.deepEqual(sharesOf({ onset: 0.31, offset: 0.32, pitch: 61 }, planes, song), [0, 0.6]);
  assert.deepEqual(sharesOf({ onset: 0.4, offset: 0.5, pitch: 61 }, planes, song), [0, 0.6], "at the very end");
});
