import assert from "node:assert/strict";
import test from "node:test";

import { loopWithin, markedLoop, newLoop } from "../../mtinst/page/player/loop.js";

const whole = { start: 0, end: 20 };

test("a region is turned forwards and kept within the song", () => {
  assert.deepEqual(loopWithin({ start: 9, end: 4 }, 20), { start: 4, end: 9 });
  assert.deepEqual(loopWithin({ start: -3, end: 99 }, 20), whole);
});

test("a region is never too short to hear, wherever it is", () => {
  for (const at of [-1, 0, 0.05, 7, 19.95, 20, 21]) {
    const { start, end } = loopWithin({ start: at, end: at }, 20);
    assert.ok(start >= 0 && end <= 20 && end - start > 0.2 - 1e-9, `${start} to ${end}`);
  }
  assert.deepEqual(loopWithin({ start: 0, end: 5 }, 0.1), { start: 0, end: 0.1 }, "but for a song that is shorter");
});

test("a new loop is four seconds from where the song is", () => {
  assert.deepEqual(newLoop(3, 20), { start: 3, end: 7 });
  assert.deepEqual(newLoop(20, 20), { start: 16, end: 20 });
  assert.equal(newLoop(1, 2).start, 0);
});

test("an edge is marked where the song is, and the other stays", () => {
  assert.deepEqual(markedLoop({ start: 4, end: 9 }, "start", 6, 20), { start: 6, end: 9 });
  assert.deepEqual(markedLoop({ start: 4, end: 9 }, "end", 6, 20), { start: 4, end: 6 });
  assert.deepEqual(markedLoop(null, "start", 6, 20), { start: 6, end: 20 });
  assert.deepEqual(markedLoop(null, "end", 6, 20), { start: 0, end: 6 });
});

test("an edge beyond the other takes that to the end of the song", () => {
  assert.deepEqual(markedLoop({ start: 4, end: 9 }, "start", 12, 20), { start: 12, end: 20 });
  assert.deepEqual(markedLoop({ start: 4, end: 9 }, "end", 2, 20), { start: 0, end: 2 });
});

test("where there would be nothing to go round, that is the whole song", () => {
  assert.deepEqual(markedLoop(null, "start", 20, 20), whole);
  assert.deepEqual(markedLoop(null, "end", 0, 20), whole);
});
