import assert from "node:assert/strict";
import test from "node:test";

import { actionOf } from "../../mtinst/page/player/keys.js";

// What a key asks of a player that stands at 30 s.
function asked(key, { code = "", shiftKey = false } = {}) {
  const calls = [];
  const own = { mixer: { position: 30, speed: 1 }, follows: true };
  own.song = { instruments: [{ name: "piano", key: "1" }, { name: "voice", key: "V" }] };
  const player = new Proxy(own, {
    get: (one, name) => one[name] ?? ((...values) => calls.push([name, ...values])),
  });
  actionOf({ key, code, shiftKey }, player)?.();
  return calls[0];
}

test("arrows go two seconds, or ten with shift", () => {
  assert.deepEqual(asked("ArrowRight"), ["seek", 32]);
  assert.deepEqual(asked("ArrowLeft", { shiftKey: true }), ["seek", 20]);
});

test("letters do as well with caps lock", () => {
  assert.deepEqual(asked("l"), ["toggleLoop"]);
  assert.deepEqual(asked("A"), ["markLoop", "start"]);
  assert.deepEqual(asked("f"), ["setFollow", false]);
});

test("instruments have keys, wherever shift takes the sign", () => {
  assert.deepEqual(asked("1", { code: "Digit1" }), ["toggleInstrument", "piano", "muted"]);
  assert.deepEqual(asked("!", { code: "Digit1", shiftKey: true }), ["toggleInstrument", "piano", "soloed"]);
  assert.deepEqual(asked("v", { code: "KeyV" }), ["toggleInstrument", "voice", "muted"]);
  assert.equal(asked("2", { code: "Digit2" }), undefined, "nobody here has it");
});

test("a sign that is a shortcut itself is meant, whatever digit it is on", () => {
  assert.deepEqual(asked("+", { code: "Digit1", shiftKey: true }), ["zoom", 1.6]);
});

test("speed goes in steps of a twentieth", () => {
  assert.deepEqual(asked(","), ["setSpeed", 0.95]);
  assert.deepEqual(asked("."), ["setSpeed", 1.05]);
});

test("other keys are left to the page", () => {
  assert.equal(asked("q"), undefined);
  assert.equal(asked("Tab"), undefined);
});
