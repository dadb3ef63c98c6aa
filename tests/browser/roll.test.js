import assert from "node:assert/strict";
import test from "node:test";

import { Roll, rulerStep } from "../../mtinst/page/player/roll.js";
import { NoteIndex } from "../../mtinst/page/player/song.js";

const roll = Object.assign(Object.create(Roll.prototype), { still: { height: 326 } });
const rows = roll.rowsOf({ low: 60, high: 69 });
const note = { pitch: 60, share: 0, shares: 1 };

test("marks of the ruler are at least 64 pixels apart, at round seconds", () => {
  assert.equal(rulerStep(400), 0.2);
  assert.equal(rulerStep(64), 1);
  assert.equal(rulerStep(22), 5);
  assert.equal(rulerStep(0.001), 600, "or as far as there is a step");
});

test("rows fill what the ruler leaves", () => {
  assert.deepEqual([rows.top, rows.height, rows.row], [26, 300, 30]);
});

test("a note lies within its row", () => {
  const [top, thickness] = roll.place(note, rows);
  assert.ok(top > 296 && top + thickness < 326);
});

test("notes that share a row lie one above the other", () => {
  const [[lowTop, thickness], [highTop]] = [0, 1].map((share) => roll.place({ ...note, share, shares: 2 }, rows));
  assert.ok(Math.abs(highTop + thickness - lowTop) < 1e-9);
});

test("a frame holds the notes that it touches, whichever corner it begins in", () => {
  const notes = [[0, 60], [2, 60], [0, 65]].map(([onset, pitch]) => ({ ...note, onset, offset: onset + 1, pitch }));
  const song = { low: 60, high: 69, notes: new NoteIndex(notes) };
  const framed = Object.assign(Object.create(roll), { axis: { gutter: 0, start: 0, scale: 100 } });
  const corners = [{ x: 90, y: 300 }, { x: 150, y: 310 }];
  assert.deepEqual(framed.notesWithin({ from: corners[0], to: corners[1] }, song), [notes[0]]);
  assert.deepEqual(framed.notesWithin({ from: corners[1], to: corners[0] }, song), [notes[0]]);
  assert.equal(framed.notesWithin({ from: { x: 0, y: 26 }, to: { x: 400, y: 326 } }, song).length, 3);
  assert.deepEqual([26, 55, 57, 325].map((y) => framed.pitchAt(y, song)), [69, 69, 68, 60]);
});
