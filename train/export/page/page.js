// A song that is dropped on the page goes to a worker, and the notes that come back to the player.

import { SAMPLE_RATE } from "./rolls.js";

const CONCERT_HZ = 440;
const SILENCE = 1e-4; // of full scale

/** @type {<T extends Element>(selector: string, kind: new () => T) => T} */
const find = (selector, kind) => {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`there is no ${selector}`);
  return found;
};
const drop = find("#drop", HTMLElement);
const input = find("#file", HTMLInputElement);
const tuning = find("#tuning", HTMLInputElement);
const status = find("#status", HTMLElement);
const progress = find("#progress", HTMLProgressElement);
const player = find("mtinst-player", HTMLElement);

/** @type {Worker | undefined} */
let worker; // one a song: what a song has taken of WebAssembly's memory is given back only with it
/** @type {string[]} */
let urls = []; // of what the player shows
/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

/** @param {File} file */
async function transcribe(file) {
  worker?.terminate();
  const current = (worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" }));
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  player.removeAttribute("value");
  say(`Reading ${file.name} …`);
  const pace = CONCERT_HZ / (tuning.valueAsNumber || CONCERT_HZ);
  /** @type {Float32Array<ArrayBuffer>} */
  let samples;
  try {
    samples = await readSamples(file, SAMPLE_RATE / pace);
  } catch {
    return say(`${file.name} cannot be read as audio by this browser.`);
  }
  if (current !== worker) return; // another song was brought
  const original = addressOf(file);
  const nSamples = samples.length;
  const began = performance.now();
  const durationS = (nSamples / SAMPLE_RATE) * pace;
  say(`Listening to ${file.name} …`);
  current.onerror = () => say("The network did not start: train/README.md tells what this page needs beside it.");
  current.onmessage = ({ data }) => {
    const answer = /** @type {import("./worker.js").Answer} */ (data);
    const { record, parts, isPartial } = answer;
    if (!record) return say(`The network failed: ${answer.error}`);
    const song = addressOf(new Blob([JSON.stringify(record)]));
    const addresses = Object.entries(parts ?? {}).map(([name, wav]) => [name, addressOf(wav)]);
    const files = isPartial ? null : { original, parts: Object.fromEntries(addresses) };
    player.setAttribute("value", JSON.stringify({ song, source: original, partial: isPartial, files }));
    const seconds = (performance.now() - began) / 1000;
    if (isPartial) return advance(performance.now(), nSamples * (answer.pace ?? 0));
    const nNotes = record.instruments.reduce((sum, one) => sum + one.notes.length, 0);
    say(`${file.name}: ${nNotes} notes, ${durationS.toFixed(1)} s of song heard in ${seconds.toFixed(1)} s.`);
    status.dataset.state = "done";
  };
  current.postMessage({ samples, pace }, [samples.buffer]);
}

/**
 * All channels as one. The decoder resamples to the rate of its context.
 *
 * @param {File} file
 * @param {number} rate
 */
async function readSamples(file, rate) {
  const audio = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  const samples = new Float32Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; channel++) {
    audio.getChannelData(channel).forEach((value, k) => (samples[k] += value / audio.numberOfChannels));
  }
  const isSilent = samples.every((value) => Math.abs(value - samples[0]) < 2 * SILENCE);
  return isSilent ? samples.fill(0) : samples;
}

/** @param {Blob} blob */
function addressOf(blob) {
  urls.push(URL.createObjectURL(blob));
  return urls[urls.length - 1];
}

/** @param {string} sentence */
function say(sentence) {
  status.textContent = sentence;
  delete status.dataset.state;
  progress.hidden = true;
  clearInterval(timer);
}

/**
 * Have the bar go on by the clock: the graph does a whole song in one go, and says nothing meanwhile.
 *
 * @param {number} began
 * @param {number} expected milliseconds
 */
function advance(began, expected) {
  progress.hidden = false;
  timer = setInterval(() => (progress.value = Math.min(0.99, (performance.now() - began) / expected)), 100);
}

input.addEventListener("change", () => input.files?.[0] && transcribe(input.files[0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
  });
}
document.addEventListener("drop", ({ dataTransfer }) => {
  if (dataTransfer?.files[0]) transcribe(dataTransfer.files[0]);
});
