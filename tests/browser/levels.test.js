import assert from "node:assert/strict";
import test from "node:test";

import { isHeard, levelsOf } from "../../mtinst/page/player/levels.js";

const part = { volume: 0.9, pan: 0, muted: false, soloed: false };
const duo = (piano, violin) => new Map(Object.entries({ piano: { ...part, ...piano }, violin: { ...part, ...violin } }));

test("everybody is heard who is not muted", () => {
  assert.equal(isHeard(duo(), "piano"), true);
  assert.equal(isHeard(duo({ muted: true }), "piano"), false);
  assert.equal(isHeard(duo({ muted: true }), "violin"), true);
});

test("only those are heard who are soloed, muted or not", () => {
  const parts = duo({ soloed: true, muted: true });
  assert.equal(isHeard(parts, "piano"), true);
  assert.equal(isHeard(parts, "violin"), false);
});

test("who has no part is not dimmed", () => assert.equal(isHeard(duo({ soloed: true }), "flute"), true));

test("the song itself and its notes are faded at equal power", () => {
  const parts = duo({ volume: 1 }, { volume: 1 });
  for (const fade of [0, 0.25, 0.5, 1]) {
    const levels = levelsOf(parts, fade);
    assert.ok(Math.abs(levels.get("original") ** 2 + levels.get("piano") ** 2 - 1) < 1e-6);
    assert.equal(levels.get("piano"), levels.get("violin"));
  }
  assert.equal(levelsOf(parts, 0).get("piano"), 0);
  assert.equal(levelsOf(parts, 1).get("original"), 0, "and not almost nothing");
});

test("volume is a part's own", () => {
  const levels = levelsOf(duo({ volume: 0.2 }, { muted: true }), 1);
  assert.equal(levels.get("piano"), 0.2);
  assert.equal(levels.get("violin"), 0);
});
