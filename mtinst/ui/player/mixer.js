// The player's sound: the song itself and one track for each part, started together on WebAudio's own clock, so that
// they stay in step to the sample and can be turned up and down while they play.
(() => {
  const LEAD_S = 0.05; // between pressing play and the first sample, so that all tracks start together
  const GLIDE_S = 0.015; // of every change of volume, against clicks
  // Decoded audio is 4 bytes a sample and track; many minutes of many tracks are kept at half the rate.
  const RATE = 32000;
  const LONG_RATE = 16000;
  const LONG_TRACK_SECONDS = 2400;

  class Mixer {
    constructor() {
      this.duration = 0;
      this.original = null; // decoded song
      this.parts = new Map(); // name -> {buffer, volume, muted, soloed}
      this.fade = 1; // 0: only the song itself, 1: only its notes
      this.playing = false;
      this.context = null;
      this.nodes = null; // while playing
      this.offset = 0; // position where it is paused, or was when it started
      this.startedAt = 0; // in the context's time
      this.loading = null; // cancels an earlier load
    }

    // Fetch and decode every track; resolves to false when another load came in between. A setting that a part had
    // before (volume, mute, solo) stays.
    async load(originalUrl, partUrls, duration) {
      this.loading?.abort();
      const loading = (this.loading = new AbortController());
      const nTracks = Object.keys(partUrls).length + 1;
      const rate = nTracks * duration > LONG_TRACK_SECONDS ? LONG_RATE : RATE;
      const decoder = new OfflineAudioContext(1, 1, rate); // needs no gesture of the user's, unlike AudioContext
      const decode = async (url) => {
        const response = await fetch(url, { signal: loading.signal });
        if (!response.ok) throw new Error(`${response.status} for ${url}`);
        return decoder.decodeAudioData(await response.arrayBuffer());
      };
      try {
        const [original, ...buffers] = await Promise.all([originalUrl, ...Object.values(partUrls)].map(decode));
        if (loading.signal.aborted) return false;
        const position = this.position;
        const wasPlaying = this.playing;
        this.pause();
        if (this.context && this.context.sampleRate !== rate) {
          this.context.close();
          this.context = null;
        }
        const before = this.parts;
        this.rate = rate;
        this.original = original;
        this.parts = new Map(
          Object.keys(partUrls).map((name, index) => {
            const { volume = 0.9, muted = false, soloed = false } = before.get(name) ?? {};
            return [name, { buffer: buffers[index], volume, muted, soloed }];
          }),
        );
        this.duration = duration;
        this.offset = Math.min(position, duration);
        if (wasPlaying) this.play();
        return true;
      } catch (error) {
        if (loading.signal.aborted) return false;
        throw error;
      }
    }

    get isReady() {
      return this.original !== null;
    }

    // What is heard now, in seconds of the song; the way to the loudspeaker is taken off.
    get position() {
      if (!this.playing) return this.offset;
      const latency = this.context.outputLatency || this.context.baseLatency || 0;
      const played = Math.max(0, this.context.currentTime - this.startedAt - latency);
      return Math.min(this.duration, this.offset + played);
    }

    play() {
      if (this.playing || !this.isReady) return;
      this.context ??= new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
      this.context.resume();
      if (this.offset >= this.duration - 0.05) this.offset = 0;
      this.startedAt = this.context.currentTime + LEAD_S;
      const start = (buffer) => {
        const source = new AudioBufferSourceNode(this.context, { buffer });
        const gain = new GainNode(this.context, { gain: 0 });
        const meter = new AnalyserNode(this.context, { fftSize: 2048 });
        source.connect(gain).connect(meter).connect(this.context.destination);
        source.start(this.startedAt, this.offset);
        return { source, gain, meter };
      };
      this.nodes = {
        original: start(this.original),
        parts: new Map([...this.parts].map(([name, part]) => [name, start(part.buffer)])),
      };
      this.playing = true;
      this.applyVolumes();
    }

    pause() {
      if (!this.playing) return;
      this.offset = this.position;
      this.playing = false;
      for (const { source, meter } of [this.nodes.original, ...this.nodes.parts.values()]) {
        source.stop();
        meter.disconnect();
      }
      this.nodes = null;
    }

    seek(position) {
      const wasPlaying = this.playing;
      this.pause();
      this.offset = Math.max(0, Math.min(this.duration, position));
      if (wasPlaying) this.play();
    }

    // Silence, and forget the song.
    clear() {
      this.loading?.abort();
      this.pause();
      this.original = null;
      this.parts = new Map();
      this.offset = 0;
      this.duration = 0;
    }

    // A part is heard when it is soloed, or when nobody is and it is not muted.
    isHeard(name) {
      const parts = [...this.parts.values()];
      const part = this.parts.get(name);
      if (!part) return true;
      return parts.some((one) => one.soloed) ? part.soloed : !part.muted;
    }

    set(name, changes) {
      const part = this.parts.get(name);
      if (!part) return;
      Object.assign(part, changes);
      // Whoever wants to hear a part alone does not want the whole song over it.
      if (changes.soloed && this.fade < 0.5) this.fade = 1;
      this.applyVolumes();
    }

    setFade(fade) {
      this.fade = fade;
      this.applyVolumes();
    }

    applyVolumes() {
      if (!this.playing) return;
      const turn = ({ gain }, volume) => gain.gain.setTargetAtTime(volume, this.context.currentTime, GLIDE_S);
      const angle = (this.fade * Math.PI) / 2; // equal power
      turn(this.nodes.original, Math.cos(angle) > 1e-3 ? Math.cos(angle) : 0);
      for (const [name, part] of this.parts) {
        const node = this.nodes.parts.get(name);
        if (node) turn(node, this.isHeard(name) ? part.volume * Math.sin(angle) : 0);
      }
    }

    // How loud a track is right now, as it leaves for the loudspeaker.
    level(name) {
      const node = name === "original" ? this.nodes?.original : this.nodes?.parts.get(name);
      if (!node) return 0;
      const samples = new Float32Array(node.meter.fftSize);
      node.meter.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    }
  }

  window.mtinst = { ...window.mtinst, Mixer };
})();
