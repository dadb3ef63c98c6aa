import assert from "node:assert/strict";
import test from "node:test";

import { loadTracks } from "../../mtinst/page/player/tracks.js";

const addressOf = (bytes) => `data:audio/x;base64,${Buffer.from(bytes).toString("base64")}`;

// A decoder to which each byte is a sample, and two of the same are two channels.
let atOnce = 0;
let mostAtOnce = 0;
globalThis.OfflineAudioContext = class {
  async decodeAudioData(buffer) {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    await new Promise((goOn) => setTimeout(goOn, 5));
    atOnce--;
    const values = Float32Array.from(new Uint8Array(buffer), (byte) => (byte - 128) / 100);
    const channels = values.length > 3 ? [values.slice(0, 2), values.slice(2)] : [values];
    return { numberOfChannels: channels.length, length: channels[0].length, getChannelData: (k) => channels[k] };
  }
};

const options = (changes) => ({
  rate: 16000,
  duration: 10,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...changes,
});

test("samples are 16 bits, of two channels the mean, and never wrap round", async () => {
  const urls = { mono: addressOf([128, 178, 255]), stereo: addressOf([178, 128, 228, 128]) };
  const tracks = await loadTracks(urls, options());
  assert.deepEqual([...tracks.get("mono")], [0, 16384, 32767]);
  assert.deepEqual([...tracks.get("stereo")], [24576, 0]);
});

test("long songs are decoded one track after another, and each is told", async () => {
  const urls = Object.fromEntries(Array.from("abcdef", (name) => [name, addressOf([128])]));
  for (const [duration, wanted] of [[10, 4], [100, 2], [600, 1]]) {
    mostAtOnce = 0;
    const told = [];
    await loadTracks(urls, options({ duration, onProgress: (...counts) => told.push(counts) }));
    assert.equal(mostAtOnce, wanted);
    assert.deepEqual(told.at(-1), [6, 6]);
  }
});

test("who no longer wants the tracks does not get them", async () => {
  const wanted = new AbortController();
  const loading = loadTracks({ a: addressOf([128]) }, options({ signal: wanted.signal }));
  wanted.abort();
  await assert.rejects(loading, { name: "AbortError" });
});
