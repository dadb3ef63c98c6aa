// Fetches and decodes audio to 16-bit samples at its own rate: half the memory of what the browser decodes to, and
// these stay as long as the song does.
// A track being decoded takes 8 bytes a sample, so long ones are decoded one after another.
const SECONDS_AT_ONCE = 240;
const MOST_AT_ONCE = 4;

/**
 * A map from each key of `urls` to its samples, one channel of about `duration` seconds.
 *
 * @param {Record<string, string>} urls
 * @param {object} options
 * @param {number} options.rate
 * @param {number} options.duration
 * @param {AbortSignal} options.signal
 * @param {(done: number, total: number) => void} options.onProgress
 */
export async function loadTracks(urls, { rate, duration, signal, onProgress }) {
  const decoder = new OfflineAudioContext(1, 1, rate); // needs no gesture of the user's, unlike AudioContext
  const waiting = Object.entries(urls);
  const total = waiting.length;
  /** @type {Map<string, Int16Array<ArrayBuffer>>} */
  const tracks = new Map();
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, url] = next;
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`${response.status} for ${url}`);
      const decoded = await decoder.decodeAudioData(await response.arrayBuffer());
      signal.throwIfAborted();
      tracks.set(name, packed(decoded));
      onProgress(tracks.size, total);
    }
  };
  const atOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(SECONDS_AT_ONCE / duration)));
  await Promise.all(Array.from({ length: atOnce }, work));
  return tracks;
}

/** @param {AudioBuffer} buffer */
function packed(buffer) {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, k) => buffer.getChannelData(k));
  const [first, second] = channels; // the page's own files have one
  const samples = new Int16Array(buffer.length);
  for (let k = 0; k < samples.length; k++) {
    const value = second ? (first[k] + second[k]) / 2 : first[k];
    samples[k] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
  }
  for (const channel of channels) channel.buffer.transfer?.(0); // gives the memory back at once
  return samples;
}
