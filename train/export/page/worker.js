// Runs the graph beside the page, which stays alive meanwhile: first on the beginning of a song, then on all of it.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";
import { readMetadata } from "./metadata.js";
import { rollsToNotes } from "./notes.js";
import { assignPlayers } from "./players.js";
import { songRecord } from "./record.js";
import { SAMPLE_RATE, roundRolls } from "./rolls.js";
import { toWav } from "./sound.js";

/**
 * @typedef {object} Answer
 * @property {import("../../../mtinst/page/player/song.js").SongRecord} [record]
 * @property {Record<string, Blob>} [parts] of each instrument that plays, as WAV; once all is heard
 * @property {boolean} isPartial
 * @property {number} [pace] milliseconds that a sample took
 * @property {string} [error]
 */

const MODEL = "mtinst.onnx";
const FIRST_S = 10; // of which there are notes soon

/** @param {{ samples: Float32Array, pace: number }} song that lasts `pace` times as long as its samples */
async function transcribe({ samples, pace }) {
  const response = await fetch(MODEL);
  if (!response.ok) throw new Error(`there is no ${MODEL} beside this page`);
  const model = new Uint8Array(await response.arrayBuffer());
  const metadata = readMetadata(model);
  const session = await ort.InferenceSession.create(model);
  for (const isPartial of [true, false]) {
    const heard = isPartial ? samples.subarray(0, FIRST_S * SAMPLE_RATE) : samples;
    const began = performance.now();
    const rolls = await listen(session, heard);
    assignPlayers(rolls);
    roundRolls(rolls);
    const song = { ...metadata, frameSeconds: metadata.frameSeconds * pace };
    const notes = rollsToNotes(rolls, song);
    const durationS = (samples.length / SAMPLE_RATE) * pace;
    const record = songRecord(rolls, notes, durationS, song);
    /** @type {Record<string, Blob>} */
    const parts = {};
    metadata.instruments.forEach(({ name }, k) => {
      const own = notes.filter(({ instrument }) => instrument === k);
      if (own.length && !isPartial) parts[name] = toWav(own, name, durationS);
    });
    answer({ record, parts, isPartial, pace: (performance.now() - began) / heard.length });
  }
}

/** @param {ort.InferenceSession} session @param {Float32Array} samples */
async function listen(session, samples) {
  const tensors = await session.run({ samples: new ort.Tensor("float32", samples, [1, samples.length]) });
  const [piano, onset, instrument, pitch, levels] = ["piano", "onset", "instrument", "pitch", "levels"].map(
    (name) => tensors[name].data,
  );
  return { nFrames: tensors.pitch.dims[1], piano, onset, instrument, pitch, levels };
}

/** @param {Answer} message */
const answer = (message) => postMessage(message);

addEventListener("message", ({ data }) => {
  transcribe(data).catch((error) => answer({ isPartial: false, error: error.message }));
});
