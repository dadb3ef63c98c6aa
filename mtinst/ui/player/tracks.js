// Fetches and decodes audio to 16-bit samples at its own rate: half the memory of what the browser decodes to, and
// these stay as long as the song does.
(() => {
  const AT_ONCE = 2; // tracks being decoded, each 4 bytes a sample until it is packed

  // A map from each key of `urls` to an Int16Array of one channel; `onProgress` is told how many are done.
  async function loadTracks(urls, rate, signal, onProgress) {
    const decoder = new OfflineAudioContext(1, 1, rate); // needs no gesture of the user's, unlike AudioContext
    const waiting = Object.entries(urls);
    const total = waiting.length;
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
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return tracks;
  }

  function packed(buffer) {
    const channels = Array.from({ length: buffer.numberOfChannels }, (_, k) => buffer.getChannelData(k));
    const [first, second] = channels; // the page's own files have one
    const samples = new Int16Array(buffer.length);
    for (let k = 0; k < samples.length; k++) {
      const value = second ? (first[k] + second[k]) / 2 : first[k];
      samples[k] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
    }
    return samples;
  }

  window.mtinst = { ...window.mtinst, loadTracks };
})();
