// The notes of one instrument as sound: a few partials, plucked or held. It is no synthesiser, but says who plays what.

const RATE = 16000;
const PLUCKED = new Set(["piano", "acoustic_guitar", "electric_guitar", "bass"]);
const N_PARTIALS = 6;
const DECAY_S = 0.6; // of what is plucked, to a third
const FADE_S = 0.02;
const PERIOD = 2048; // samples of a wave that is kept
const WAVES = Array.from({ length: N_PARTIALS }, (_, k) => wave(k + 1));

/**
 * @param {import("./notes.js").Note[]} notes
 * @param {string} name of the instrument
 * @param {number} durationS
 */
export function toWav(notes, name, durationS) {
  const samples = new Float32Array(Math.ceil(durationS * RATE));
  for (const note of notes) add(samples, note, PLUCKED.has(name) ? DECAY_S : Infinity);
  const header = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ place, /** @type {string} */ letters) =>
    [...letters].forEach((letter, k) => header.setUint8(place + k, letter.charCodeAt(0)));
  const nBytes = 2 * samples.length;
  text(0, "RIFF");
  header.setUint32(4, 36 + nBytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // whole numbers
  header.setUint16(22, 1, true); // one channel
  header.setUint32(24, RATE, true);
  header.setUint32(28, 2 * RATE, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, nBytes, true);
  const whole = Int16Array.from(samples, (value) => 32767 * Math.tanh(value));
  return new Blob([header, whole], { type: "audio/wav" });
}

/** @param {Float32Array} samples @param {import("./notes.js").Note} note @param {number} decayS */
function add(samples, { onset, offset, pitch, velocity }, decayS) {
  const hertz = 440 * 2 ** ((pitch - 69) / 12);
  const tone = WAVES[Math.max(1, Math.min(N_PARTIALS, Math.floor(RATE / 2 / hertz))) - 1];
  const first = Math.round(onset * RATE);
  const end = Math.min(samples.length, Math.round(offset * RATE));
  const fade = FADE_S * RATE;
  for (let k = first; k < end; k++) {
    const t = (k - first) / RATE;
    const envelope = Math.min(1, (k - first) / fade, (end - k) / fade) * Math.exp(-t / decayS);
    samples[k] += 0.3 * (velocity / 110) ** 2 * envelope * tone[Math.floor(hertz * t * PERIOD) % PERIOD];
  }
}

/** @param {number} nPartials */
function wave(nPartials) {
  const samples = new Float32Array(PERIOD);
  for (let n = 1; n <= nPartials; n++) {
    samples.forEach((_, k) => (samples[k] += Math.sin((2 * Math.PI * n * k) / PERIOD) / n ** 1.5));
  }
  return samples;
}
