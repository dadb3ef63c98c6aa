import assert from "node:assert/strict";
import test from "node:test";

import { Ghosts, described, unpackGhosts } from "../../mtinst/page/player/ghosts.js";
import { NoteIndex } from "../../mtinst/page/player/song.js";

const INSTRUMENTS = ["Piano", "Violin"].map((label, index) => ({ name: label.toLowerCase(), label, index }));
const GHOSTS = unpackGhosts(
  [
    [1, 2, 60, "violin", [["violin", 0.414], ["piano", 0.06]]],
    [3, 4, 72, "piano", [["piano", 0.3]]],
  ],
  INSTRUMENTS,
);

// The ghosts of a song with one note.
function ghostsOver(note, changes = {}) {
  const song = { low: 60, high: 64, notes: new NoteIndex([note]) };
  const ghosts = Object.assign(Object.create(Ghosts.prototype), { isOn: true, all: GHOSTS, picked: null, ...changes });
  ghosts.player = { song };
  ghosts.hide();
  return ghosts;
}

test("a ghost says who it could be", () => {
  assert.equal(described(GHOSTS[0]), "Half heard: C4 · at 0:01.00 · Violin 41 %, Piano 6 %");
});

test("a ghost of an instrument that nobody knows is refused", () => {
  assert.throws(() => unpackGhosts([[1, 2, 60, "kazoo", []]], INSTRUMENTS), /there is no instrument kazoo/);
});

test("ghosts under a note are hidden, whoever plays it", () => {
  assert.deepEqual(ghostsOver({ onset: 0, offset: 1.5, pitch: 60 }).shown.notes, [GHOSTS[1]]);
  assert.deepEqual(ghostsOver({ onset: 0, offset: 1.5, pitch: 61 }).shown.notes, GHOSTS);
  assert.deepEqual(ghostsOver({ onset: 0, offset: 1.01, pitch: 60 }).shown.notes, GHOSTS, "they follow each other");
});

test("the keyboard lets go of a ghost that is hidden", () => {
  const note = { onset: 0, offset: 1.5, pitch: 60 };
  assert.equal(ghostsOver(note, { picked: GHOSTS[0] }).picked, null);
  assert.equal(ghostsOver(note, { picked: GHOSTS[1] }).picked, GHOSTS[1]);
});

test("the picture grows to hold those that are shown", () => {
  const note = { onset: 0, offset: 1, pitch: 62 };
  assert.equal(ghostsOver(note).player.song.high, 72);
  const hidden = ghostsOver(note, { isOn: false });
  assert.equal(hidden.player.song.high, 64);
  assert.deepEqual(hidden.shown.notes, []);
});
