import assert from "node:assert/strict";
import test from "node:test";

import { actionOf, editOf } from "../../mtinst/page/player/keys.js";

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

test("a ghost that the keyboard is at is added by Enter, and let go by Escape", () => {
  const ghost = {};
  const calls = [];
  const player = {
    mixer: {},
    ghosts: { picked: ghost, accept: (one) => calls.push(one), step: (direction) => calls.push(direction) },
    editing: { choose: (notes) => calls.push(notes) },
    shares: { showPicked: () => calls.push("shares") },
  };
  for (const key of ["g", "Enter", "Escape", "w"]) actionOf({ key, code: "" }, player)();
  actionOf({ key: "G", code: "", shiftKey: true }, player)();
  assert.deepEqual(calls, [1, ghost, [], "shares", -1]);
  assert.equal(asked("Enter"), undefined, "else it has no use");
});

// What a key asks of the editing of two instruments' notes.
function edit(key, { n = 1, isOn = true, ...event } = {}) {
  const calls = [];
  const own = { isOn, selected: Array(n).fill({}), song: { instruments: [{ name: "piano" }, { name: "guitar" }] } };
  const editing = new Proxy(own, { get: (one, name) => one[name] ?? ((...values) => calls.push([name, ...values])) });
  editOf({ key, code: "", ...event }, editing)?.();
  return calls[0];
}

test("keys move, lengthen and remove the selected notes", () => {
  assert.deepEqual(edit("ArrowRight"), ["move", 0.032, 0]);
  assert.deepEqual(edit("ArrowLeft", { shiftKey: true }), ["lengthen", -0.032]);
  assert.deepEqual(edit("ArrowUp"), ["move", 0, 1]);
  assert.deepEqual(edit("ArrowDown", { shiftKey: true }), ["move", 0, -12]);
  assert.deepEqual(edit("Backspace"), ["remove"]);
  assert.deepEqual(edit("Escape"), ["choose", []]);
});

test("a digit gives them to an instrument", () => {
  assert.deepEqual(edit("2", { code: "Digit2" }), ["give", "guitar"]);
  assert.equal(edit("9", { code: "Digit9" }), undefined, "nobody here has it");
});

test("undo and redo have the usual keys, with or without a selection", () => {
  for (const modifier of ["ctrlKey", "metaKey"]) {
    assert.deepEqual(edit("z", { [modifier]: true, n: 0 }), ["undo"]);
    assert.deepEqual(edit("Z", { [modifier]: true, shiftKey: true }), ["redo"]);
    assert.deepEqual(edit("y", { [modifier]: true }), ["redo"]);
    assert.equal(edit("a", { [modifier]: true }), undefined);
  }
});

test("keys step from note to note, and keep their other use while none is selected", () => {
  assert.deepEqual(edit("n", { n: 0 }), ["step", 1, undefined]);
  assert.deepEqual(edit("P", { shiftKey: true }), ["step", -1, true]);
  assert.equal(edit("ArrowRight", { n: 0 }), undefined);
  assert.equal(edit("1", { n: 0, code: "Digit1" }), undefined);
  assert.equal(edit("n", { isOn: false }), undefined);
});
