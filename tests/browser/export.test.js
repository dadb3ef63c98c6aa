import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { inflateSync } from "node:zlib";

import { readMetadata } from "../../train/export/page/metadata.js";
import { rollsToNotes } from "../../train/export/page/notes.js";
import { assignPlayers } from "../../train/export/page/players.js";
import { songRecord } from "../../train/export/page/record.js";
import { round, roundRolls } from "../../train/export/page/rolls.js";
import { toWav } from "../../train/export/page/sound.js";
import { unpackSong } from "../../mtinst/page/player/song.js";

const golden = JSON.parse(readFileSync(new URL("golden/notes.json", import.meta.url)));
const { rolls, metadata, nFrames, notes: wanted } = golden;
// As a file of the Protocol Buffers has it: metadata are field 14, of names, field 1, and strings, field 2.
const bytesOf = (text) => [...new TextEncoder().encode(text)];
const number = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)]);
const field = (tag, bytes) => [8 * tag + 2, ...number(bytes.length), ...bytes];
const entryOf = (entry) => field(14, entry.flatMap((text, k) => field(k + 1, bytesOf(text))));
const entries = Object.entries(metadata).flatMap(entryOf);
const graph = [...field(7, new Array(300).fill(122)), 8, 150, 1, 13, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
const model = Uint8Array.from([...graph, ...entries]);

function unpacked() {
  const arrays = Object.entries(rolls).map(([name, packed]) => {
    const bytes = inflateSync(Buffer.from(packed, "base64"));
    return [name, Float32Array.from(bytes, (value) => value / 255)];
  });
  return { nFrames, ...Object.fromEntries(arrays) };
}

function decoded() {
  const song = unpacked();
  assignPlayers(song);
  roundRolls(song);
  return [song, rollsToNotes(song, readMetadata(model))];
}

test("a file says what it is, wherever it says so", () => {
  const said = readMetadata(model);
  assert.deepEqual([said.sampleRate, said.frameSeconds, said.lowestPitch, said.dynamicRangeDb], [16000, 0.032, 21, 80]);
  assert.equal(said.instruments.length, 11);
  assert.equal(said.thresholds.onset.length, 11);
  assert.throws(() => readMetadata(Uint8Array.from(graph)), /is not a file/);
});

test("halves go to the even neighbour", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 937.5, 1.2, 1.8].map(round), [0, 2, 2, 938, 1, 2]);
});

test("the golden notes are those that Python decodes", () => {
  const names = JSON.parse(metadata.instruments).map(({ name }) => name);
  const rows = decoded()[1].map(({ onset, offset, pitch, instrument, velocity, confidence }) => [
    ...[onset, offset].map((second) => Number(second.toFixed(5))),
    pitch,
    names[instrument],
    velocity,
    Number(confidence.toFixed(3)),
  ]);
  assert.ok(wanted.length > 80);
  assert.deepEqual(rows, wanted);
});

test("without frames there are no notes", () => {
  const empty = Object.fromEntries(Object.keys(rolls).map((name) => [name, new Float32Array()]));
  assert.deepEqual(rollsToNotes({ nFrames: 0, ...empty, instrument: new Float32Array() }, readMetadata(model)), []);
});

test("the player takes the record", () => {
  const [song, notes] = decoded();
  const said = readMetadata(model);
  const shown = unpackSong(songRecord(song, notes, 8, said));
  assert.equal(shown.notes.notes.length, wanted.length);
  assert.deepEqual([shown.activity.rows, shown.activity.columns], [11, nFrames]);
  assert.equal(shown.pitches.columns, nFrames);
  assert.ok(shown.low >= 21 && shown.high <= 108);
  assert.deepEqual([songRecord(song, [], 8, said).low, songRecord(song, [], 8, said).high], [48, 84]);
});

test("a part sounds where its notes are", async () => {
  const wav = await toWav([{ onset: 0.5, offset: 1, pitch: 69, velocity: 100 }], "violin", 1.5).arrayBuffer();
  const samples = new Int16Array(wav.slice(44));
  assert.equal(samples.length, 24000);
  assert.ok(samples.slice(0, 8000).every((value) => value === 0));
  assert.ok(Math.max(...samples.slice(8000, 16000)) > 3000);
  assert.ok(samples.slice(16000).every((value) => value === 0));
});
