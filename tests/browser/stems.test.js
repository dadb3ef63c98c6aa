import assert from "node:assert/strict";
import test from "node:test";

import { StemReader, positionAt } from "../../mtinst/page/player/stems.js";

const RATE = 16000;
const BLOCK = 128;
const ramp = Int16Array.from({ length: 4 * RATE }, (_, k) => k % 32000);
const sine = Int16Array.from({ length: 4 * RATE }, (_, k) => 16000 * Math.sin((2 * Math.PI * 440 * k) / RATE));
const start = { time: 0, position: 0, speed: 1, loop: null };

// What comes out of one track in some seconds, block by block; `messages` are received at their times.
function heard(samples, seconds, messages) {
  const reader = new StemReader(RATE, 2);
  reader.receive({ stems: [[1, samples]], weights: [0, 1] });
  const out = new Float32Array(Math.ceil((seconds * RATE) / BLOCK) * BLOCK);
  for (let k = 0; k < out.length; k += BLOCK) {
    while (messages.length && messages[0][0] <= k / RATE) reader.receive(messages.shift()[1]);
    reader.read([new Float32Array(BLOCK), out.subarray(k, k + BLOCK)], k / RATE);
  }
  return out;
}

const crossings = (out) => out.filter((value, k) => k && value >= 0 && out[k - 1] < 0).length;

test("time goes on at its speed, and around a loop from its end on", () => {
  assert.equal(positionAt({ ...start, time: 2, position: 5, speed: 0.5 }, 6), 7);
  const loop = { start: 4, end: 6 };
  assert.equal(positionAt({ ...start, loop }, 5.5), 5.5);
  assert.equal(positionAt({ ...start, loop }, 6), 4);
  assert.equal(positionAt({ ...start, loop }, 11), 5);
  assert.equal(positionAt({ ...start, position: 7, loop }, 3), 10, "who begins after it never comes round");
});

test("at normal speed the samples come out as they are, from their time on", () => {
  const out = heard(ramp, 1, [[0, { play: { ...start, time: 0.1, position: 0.5 } }]]);
  const first = Math.ceil(0.1 * RATE);
  assert.ok(out.subarray(0, first).every((value) => value === 0));
  for (let k = first + 200; k < out.length; k++) {
    assert.ok(Math.abs(out[k] - ramp[k - first + RATE / 2] / 32768) < 1e-5, `sample ${k}`);
  }
});

test("another speed changes the time and not the pitch", () => {
  for (const speed of [0.5, 0.8, 1.5]) {
    const out = heard(sine, 2, [[0, { play: { ...start, speed } }]]);
    assert.ok(Math.abs(crossings(out) / 2 - 440) < 9, `${crossings(out) / 2} Hz at ${speed}`);
  }
});

test("a pause fades to nothing, and play begins anew", () => {
  const play = { ...start, time: 0.75, position: 1 };
  const out = heard(sine, 1.5, [[0, { play: start }], [0.5, { pause: true }], [0.7, { play }]]);
  const loudest = (from, to) => Math.max(...out.subarray(from * RATE, to * RATE).map(Math.abs));
  assert.ok(loudest(0.2, 0.5) > 0.4);
  assert.equal(loudest(0.51, 0.74), 0);
  assert.ok(loudest(0.8, 1.4) > 0.4);
});

test("what is beyond the end of the song is silence", () => {
  const out = heard(sine, 1, [[0, { play: { ...start, position: 3.5 } }]]);
  assert.ok(out.subarray(0.6 * RATE).every((value) => value === 0));
});

test("samples that are replaced give their memory back", () => {
  const reader = new StemReader(RATE, 1);
  const first = new Int16Array(100);
  reader.receive({ stems: [[0, first]] });
  reader.receive({ stems: [[0, null]] });
  assert.equal(reader.stems[0], null);
  if (first.buffer.transfer) assert.equal(first.length, 0);
});
