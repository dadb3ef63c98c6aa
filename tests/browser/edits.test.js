import assert from "node:assert/strict";
import test from "node:test";

import { difference, edited, editsOf, historyOf, lengthened, moved, noteOf, redo, reset, undo, valuesOf, within, withStep } from "../../mtinst/page/player/edits.js";

const INSTRUMENTS = ["piano", "violin"].map((name, index) => ({ name, index }));
const notesOf = (...all) => all.map((one) => noteOf(one, INSTRUMENTS));
const after = (notes, edits) => edited(notesOf(...notes), edits, INSTRUMENTS).map(valuesOf).sort();
const LOW = [0, 1, 60, "piano"];
const HIGH = [0.5, 1, 72, "violin"];

test("an edit changes, adds or removes a note", () => {
  assert.deepEqual(after([LOW, HIGH], [{ was: LOW, now: [0, 1, 61, "violin"] }]), [[0, 1, 61, "violin"], HIGH]);
  assert.deepEqual(after([LOW], [{ was: null, now: HIGH }]), [LOW, HIGH]);
  assert.deepEqual(after([LOW, HIGH], [{ was: HIGH, now: null }]), [LOW]);
});

test("edits follow each other", () => {
  const steps = [60, 61, 62].map((pitch) => [0, 1, pitch, "piano"]);
  const edits = [{ was: steps[0], now: steps[1] }, { was: steps[1], now: steps[2] }];
  assert.deepEqual(after([LOW], edits), [steps[2]]);
});

test("a chord whose notes take each other's places keeps all of them", () => {
  const [c, d, e] = [60, 62, 64].map((pitch) => [0, 1, pitch, "piano"]);
  assert.deepEqual(after([c, d], [{ was: c, now: d }, { was: d, now: e }]), [d, e]);
});

test("the nearest note that is no more than 50 ms away is the one that was meant", () => {
  const edits = [{ was: [0.02, 1, 60, "piano"], now: null }];
  assert.deepEqual(after([LOW, [0.05, 1, 60, "piano"]], edits), [[0.05, 1, 60, "piano"]]);
  assert.deepEqual(after([[0.08, 1, 60, "piano"]], edits).length, 1, "too far");
  assert.deepEqual(after([[0.02, 1, 60, "violin"]], edits).length, 1, "somebody else's");
});

test("a note stops at the edges: 0 s, a frame, A0 and C8", () => {
  assert.deepEqual(within([-1, -0.5, 3, "piano"]), [0, 0.032, 21, "piano"]);
  assert.deepEqual(within([1.00004, 1, 120, "piano"]), [1, 1.032, 108, "piano"]);
  assert.deepEqual(lengthened([LOW], -5), [[0, 0.032, 60, "piano"]]);
  assert.deepEqual(lengthened([LOW], 0.5), [[0, 1.5, 60, "piano"]]);
});

test("notes that move together stop together", () => {
  assert.deepEqual(moved([LOW, HIGH], -1, 40), [[0, 1, 96, "piano"], [0.5, 1, 108, "violin"]]);
  assert.deepEqual(moved([LOW, HIGH], 9, 0, 2), [[1.5, 2.5, 60, "piano"], [2, 2.5, 72, "violin"]]);
  assert.deepEqual(moved([], 1, 1), []);
});

test("notes that have some edits come to have others", () => {
  const [first, second, third] = [60, 62, 64].map((pitch) => ({ was: null, now: [0, 1, pitch, "piano"] }));
  assert.deepEqual(difference([first], [first, second]), [second]);
  assert.deepEqual(difference([first, second, third], [first]), [{ was: third.now, now: null }, { was: second.now, now: null }]);
  assert.deepEqual(difference([first], [first]), []);
  const notes = edited(notesOf(LOW), [first, third], INSTRUMENTS);
  const other = edited(notes, difference([first, third], [second]), INSTRUMENTS);
  assert.deepEqual(other.map(valuesOf).sort(), after([LOW], [second]));
});

test("a step is taken back and made again as a whole, and all of them at once", () => {
  const [first, second, third] = [1, 2, 3].map((onset) => ({ was: null, now: [onset, onset + 1, 60, "piano"] }));
  const history = withStep(historyOf([first]), [second, third]);
  assert.deepEqual(editsOf(history), [first, second, third]);
  assert.deepEqual(editsOf(undo(history)), [first]);
  assert.deepEqual(editsOf(redo(undo(history))), [first, second, third]);
  assert.deepEqual(editsOf(undo(undo(undo(history)))), []);
  assert.deepEqual(editsOf(redo(history)), editsOf(history), "there is nothing to make again");
  assert.deepEqual(editsOf(reset(history)), []);
  assert.deepEqual(editsOf(redo(reset(history))), [first, second, third]);
  assert.deepEqual(withStep(undo(history), [third]).undone, []);
});

test("a note of an instrument that nobody knows is refused", () => {
  assert.throws(() => notesOf([0, 1, 60, "kazoo"]), /there is no instrument kazoo/);
});
