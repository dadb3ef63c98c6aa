import assert from "node:assert/strict";
import test from "node:test";

import { Roll, rulerStep } from "../../mtinst/page/player/roll.js";

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
