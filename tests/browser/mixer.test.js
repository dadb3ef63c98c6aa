import assert from "node:assert/strict";
import test from "node:test";

import { Mixer } from "../../mtinst/page/player/mixer.js";

// A mixer of twenty seconds and two parts, with an output that only remembers; `seconds` is its clock.
function opened() {
  const mixer = new Mixer(() => {});
  mixer.expect(["piano", "violin", "flute"], 20);
  for (const name of ["piano", "violin"]) mixer.parts.set(name, { volume: 0.9, pan: 0, muted: false, soloed: false });
  mixer.isReady = true;
  const sent = [];
  const output = {
    context: { currentTime: 0 },
    get heardTime() {
      return this.context.currentTime;
    },
    start: async () => {},
    rest: () => {},
    close: () => {},
    send: (message) => sent.push(message),
    setLevels: (levels, pans) => Object.assign(output, { levels, pans }),
  };
  mixer.output = output;
  return { mixer, output, sent, at: (seconds) => (output.context.currentTime = seconds) };
}

test("levels go to the tracks in their order: the song itself, then the instruments of the table", () => {
  const { mixer, output } = opened();
  mixer.set("violin", { pan: -1, volume: 0.5 });
  assert.deepEqual(output.levels, [0, 0.9, 0.5, 0]);
  assert.deepEqual(output.pans, [0, 0, -1, 0]);
});

test("parts of older notes are silent, and the song itself is not", () => {
  const { mixer, output } = opened();
  mixer.setFade(0.5);
  mixer.outdate();
  assert.ok(output.levels[0] > 0.7);
  assert.deepEqual(output.levels.slice(1), [0, 0, 0]);
});

test("solo goes from the song itself to its notes", () => {
  const { mixer, output } = opened();
  mixer.setFade(0);
  mixer.set("piano", { muted: true });
  assert.equal(mixer.fade, 0);
  mixer.set("violin", { soloed: true });
  assert.equal(mixer.fade, 1);
  assert.deepEqual(output.levels, [0, 0, 0.9, 0]);
});

test("without any notes the song itself is heard", () => {
  const { mixer } = opened();
  assert.equal(mixer.heardFade, 1);
  mixer.parts.clear();
  assert.equal(mixer.heardFade, 0);
});

test("the position follows the audio clock, and stays where it is paused", async () => {
  const { mixer, at } = opened();
  mixer.seek(5);
  mixer.play();
  await new Promise(setImmediate);
  at(3.05);
  assert.ok(Math.abs(mixer.position - 8) < 1e-9);
  mixer.pause();
  at(9);
  assert.ok(Math.abs(mixer.position - 8) < 1e-9);
});

test("a change of speed goes on from where the song is", async () => {
  const { mixer, at } = opened();
  mixer.play();
  await new Promise(setImmediate);
  at(4.05);
  mixer.setSpeed(0.1);
  assert.equal(mixer.speed, 0.5, "no slower than half");
  assert.ok(Math.abs(mixer.position - 4) < 0.06);
  at(6.05);
  assert.ok(Math.abs(mixer.position - 5) < 0.06);
});

test("a loop that has just ended is gone round, and one that is taken away is left", async () => {
  const { mixer, at } = opened();
  mixer.play();
  await new Promise(setImmediate);
  at(5.05);
  mixer.setLoop({ start: 2, end: 4 }, true);
  assert.equal(mixer.position, 2);
  at(7.5);
  assert.ok(mixer.position >= 2 && mixer.position < 4);
  mixer.setLoop(null);
  assert.equal(mixer.loops, false);
  at(12);
  assert.ok(mixer.position > 6);
});

test("play begins anew at the end of the song, and within a loop", () => {
  const { mixer } = opened();
  mixer.seek(20);
  mixer.play();
  assert.equal(mixer.offset, 0);
  mixer.pause();
  mixer.setLoop({ start: 2, end: 4 }, true);
  mixer.seek(10);
  mixer.play();
  assert.equal(mixer.offset, 2);
});

test("nothing is played before there is something to play", () => {
  const mixer = new Mixer(() => {});
  mixer.expect(["piano"], 20);
  mixer.play();
  assert.equal(mixer.playing, false);
  mixer.seek(30);
  assert.equal(mixer.position, 20);
});

test("silence is said when no output takes the sound", async () => {
  const { mixer, output } = opened();
  const { warn } = console;
  console.warn = () => {};
  output.start = () => Promise.reject(new Error("no device"));
  await new Promise((done) => {
    mixer.onSilence = done;
    mixer.play();
  });
  console.warn = warn;
  assert.equal(mixer.playing, false);
});
