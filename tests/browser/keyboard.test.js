import assert from "node:assert/strict";
import test from "node:test";

import { isBlack, isNamed, topOf } from "../../mtinst/page/player/keyboard.js";

const octave = Array.from({ length: 24 }, (_, k) => 48 + k);

test("an octave has five black keys", () => {
  assert.deepEqual(octave.slice(0, 12).filter(isBlack), [49, 51, 54, 56, 58]);
});

test("rows go up with the pitch, each below the next", () => {
  const rows = { low: 48, high: 71, top: 26, height: 240, row: 10 };
  assert.equal(topOf(71, rows), rows.top);
  assert.equal(topOf(48, rows) + rows.row, rows.top + rows.height);
  assert.equal(topOf(60, rows) - topOf(61, rows), rows.row);
});

test("the higher the rows, the more of them have names", () => {
  const named = (row) => octave.filter((pitch) => isNamed(pitch, row));
  assert.deepEqual(named(2), [48], "every other C");
  assert.deepEqual(named(4), [48, 60]);
  assert.deepEqual(named(8), [48, 55, 60, 67]);
  assert.deepEqual(named(12), octave.filter((pitch) => !isBlack(pitch)));
});
