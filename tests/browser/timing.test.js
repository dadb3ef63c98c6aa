import assert from "node:assert/strict";
import test from "node:test";

import { fit } from "../../mtinst/page/player/timing.js";

test("taps are about even beats, whatever one of them is off", () => {
  const { tempo, start } = fit([1, 1.5, 2.01, 2.5, 3, 3.49]);
  assert.ok(Math.abs(tempo - 120) < 0.5);
  assert.ok(Math.abs(start - 1) < 0.02);
});

test("a tap that was left out or came twice does not count", () => {
  assert.equal(fit([0, 1, 2, 4, 5, 6]).tempo, 60);
});
