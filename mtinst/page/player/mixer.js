// The player's sound: the song itself and one track for each part, all read by one clock, so that they stay in step to
// the sample, while each is turned up, down, left and right.
(() => {
  const { StemReader, Output, loadTracks } = window.mtinst;
  const LEAD_S = 0.05; // between a wish and its time, so that it reaches the audio thread before
  // Decoded audio is 2 bytes a sample and track; many minutes of many tracks are kept at half the rate.
  const RATE = 32000;
  const LONG_RATE = 16000;
  const LONG_TRACK_SECONDS = 2400;
  const SHORTEST_LOOP_S = 0.2;
  const NEW_PART = { volume: 0.9, pan: 0, muted: false, soloed: false };

  class Mixer {
    // `names` are the instruments in table order; track 0 is the song itself, and theirs follow. `onSilence` is called
    // when playing has ended before it began, as nothing takes the sound.
    constructor(names, onSilence = () => {}) {
      this.onSilence = onSilence;
      this.tracks = new Map(["original", ...names].map((name, track) => [name, track]));
      this.parts = new Map(); // name -> {volume, pan, muted, soloed} of who has a track
      this.fade = 1; // 0: only the song itself, 1: only its notes
      this.speed = 1;
      this.loop = null; // {start, end} in seconds
      this.loops = false; // whether that is gone round
      this.duration = 0;
      this.isReady = false;
      this.isStale = false; // the parts are of other notes than those shown, and so silent
      this.playing = false;
      this.offset = 0; // position while nothing plays
      this.anchor = null; // see StemReader; while playing
      this.output = null;
      this.loaded = new Map(); // name -> where its samples came from
      this.waiting = new Map(); // name -> samples, until there is an output to take them
      this.settings = new Map(); // of every part there ever was in this song
    }

    // Fetch and decode what is not there yet; resolves to false when another load came in between. A setting that a
    // part had before (volume, pan, mute, solo) stays.
    async load(originalUrl, partUrls, duration, onProgress = () => {}) {
      this.loading?.abort();
      const loading = (this.loading = new AbortController());
      const nTracks = Object.keys(partUrls).length + 1;
      const rate = nTracks * duration > LONG_TRACK_SECONDS ? LONG_RATE : RATE;
      const urls = { original: originalUrl, ...partUrls };
      const isSameRate = rate === this.rate;
      const fresh = Object.entries(urls).filter(([name, url]) => !isSameRate || this.loaded.get(name) !== url);
      let samples;
      try {
        samples = await loadTracks(Object.fromEntries(fresh), { rate, duration, signal: loading.signal, onProgress });
      } catch (error) {
        if (loading.signal.aborted) return false;
        loading.abort(); // the other tracks are of no use now, and would say how far they are
        throw error;
      }
      if (loading.signal.aborted) return false;
      const wasPlaying = this.playing;
      const position = this.position;
      if (!isSameRate) this.forget();
      this.rate = rate;
      for (const name of this.tracks.keys()) {
        if (samples.has(name)) this.keep(name, urls[name], samples.get(name));
        else if (!(name in urls) && this.loaded.has(name)) this.keep(name, null, null);
      }
      const named = Object.keys(partUrls);
      for (const name of named) if (!this.settings.has(name)) this.settings.set(name, { ...NEW_PART });
      this.parts = new Map(named.map((name) => [name, this.settings.get(name)]));
      this.duration = duration;
      this.isReady = true;
      this.isStale = false;
      if (!this.playing) this.offset = Math.min(position, duration);
      if (wasPlaying && !this.playing) this.play();
      this.applyLevels();
      return true;
    }

    // Hand a track's samples to whoever plays them; null is silence.
    keep(name, url, samples) {
      if (url) this.loaded.set(name, url);
      else this.loaded.delete(name);
      if (this.output) this.output.send({ stems: [[this.tracks.get(name), samples]] }, samples ? [samples.buffer] : []);
      else if (samples) this.waiting.set(name, samples);
      else this.waiting.delete(name);
    }

    // What is heard now, in seconds of the song; the way to the loudspeaker is taken off.
    get position() {
      if (!this.anchor) return this.offset;
      const now = Math.max(this.anchor.isJump ? this.anchor.time : 0, this.output.heardTime);
      return Math.max(0, Math.min(this.duration, StemReader.positionAt(this.anchor, now)));
    }

    play() {
      if (this.playing || !this.isReady) return;
      this.playing = true;
      const isOutside = this.loops && (this.offset < this.loop.start || this.offset >= this.loop.end - 0.02);
      if (isOutside) this.offset = this.loop.start;
      else if (this.offset >= this.duration - 0.05) this.offset = 0;
      this.start().catch((error) => {
        console.warn("no sound:", error);
        this.pause();
        this.onSilence();
      });
    }

    // Let the sound begin as soon as there is an output that takes it.
    async start() {
      if (!this.output) {
        this.output = new Output(this.rate, this.tracks.size);
        for (const [name, samples] of this.waiting) this.keep(name, this.loaded.get(name), samples);
        this.waiting.clear();
      }
      const { output } = this;
      try {
        await output.start();
      } catch (error) {
        if (this.output === output) throw error; // or it was closed meanwhile, by another song
      }
      if (!this.playing || this.output !== output || this.anchor) return;
      this.applyLevels();
      this.setAnchor(this.offset);
    }

    pause() {
      if (!this.playing) return;
      this.offset = this.position;
      this.playing = false;
      this.anchor = null;
      this.output?.send({ pause: true });
      this.output?.rest();
    }

    seek(position) {
      this.offset = Math.max(0, Math.min(this.duration, position));
      if (this.anchor) this.setAnchor(this.offset);
    }

    setSpeed(speed) {
      this.speed = Math.max(0.5, Math.min(1.5, speed));
      this.replan();
    }

    // Mark a region, or none by null; it is gone round as long as `loops`.
    setLoop(region, loops = region !== null) {
      if (region) {
        const [start, end] = [region.start, region.end].sort((a, b) => a - b).map((one) => this.within(one));
        region = { start: Math.max(0, Math.min(start, end - SHORTEST_LOOP_S)), end };
        region.end = Math.min(this.duration, Math.max(region.end, region.start + SHORTEST_LOOP_S));
      }
      this.loop = region;
      this.loops = loops && region !== null;
      if (this.loops && this.playing && this.position >= region.end) this.seek(region.start);
      else this.replan();
    }

    within(second) {
      return Math.max(0, Math.min(this.duration, second));
    }

    // From a moment to come, go on from where the song will be by then in the way it is now set to.
    replan() {
      if (!this.anchor) return;
      const time = this.output.context.currentTime + LEAD_S;
      let position = StemReader.positionAt(this.anchor, Math.max(time, this.anchor.time));
      if (this.loops && this.position < this.loop.end && position >= this.loop.end) position = this.loop.start;
      this.setAnchor(position, Math.max(time, this.anchor.time), false);
    }

    setAnchor(position, time = this.output.context.currentTime + LEAD_S, isJump = true) {
      this.anchor = { time, position, speed: this.speed, loop: this.loops ? { ...this.loop } : null, isJump };
      this.output.send({ play: this.anchor });
    }

    // Silence, and forget the song.
    clear() {
      this.loading?.abort();
      this.forget();
      this.parts = new Map();
      this.settings.clear();
      this.isReady = this.isStale = false;
      this.loop = null;
      this.loops = false;
      this.offset = 0;
      this.duration = 0;
    }

    // Let go of every sample, and of the audio device.
    forget() {
      this.pause();
      this.output?.close();
      this.output = null;
      this.loaded.clear();
      this.waiting.clear();
      this.rate = 0;
    }

    // A part is heard when it is soloed, or when nobody is and it is not muted.
    isHeard(name) {
      const part = this.parts.get(name);
      if (!part) return true;
      return this.isAnySoloed ? part.soloed : !part.muted;
    }

    get isAnySoloed() {
      return [...this.parts.values()].some((one) => one.soloed);
    }

    set(name, changes) {
      const part = this.parts.get(name);
      if (!part) return;
      Object.assign(part, changes);
      // Whoever wants to hear a part alone does not want the whole song over it.
      if (changes.soloed && this.fade < 0.5) this.fade = 1;
      this.applyLevels();
    }

    // Without any notes there is only the song itself to hear.
    get heardFade() {
      return this.isReady && this.parts.size === 0 ? 0 : this.fade;
    }

    setFade(fade) {
      this.fade = Math.max(0, Math.min(1, fade));
      this.applyLevels();
    }

    // The notes on show are no longer those of the parts.
    outdate() {
      this.loading?.abort(); // its parts are of the notes before
      this.isStale = true;
      this.applyLevels();
    }

    applyLevels() {
      if (!this.output) return;
      const angle = (this.heardFade * Math.PI) / 2; // equal power
      const [originalLevel, partsLevel] = [Math.cos(angle), this.isStale ? 0 : Math.sin(angle)];
      const levels = new Array(this.tracks.size).fill(0);
      const pans = new Array(this.tracks.size).fill(0);
      levels[0] = originalLevel > 1e-3 ? originalLevel : 0;
      for (const [name, part] of this.parts) {
        levels[this.tracks.get(name)] = this.isHeard(name) ? part.volume * partsLevel : 0;
        pans[this.tracks.get(name)] = part.pan;
      }
      this.output.setLevels(levels, pans);
    }

    // How loud a track is right now, as it leaves for the loudspeaker: "original" or an instrument's name.
    level(name) {
      return this.playing && this.output ? this.output.level(this.tracks.get(name)) : 0;
    }
  }

  window.mtinst = { ...window.mtinst, Mixer };
})();
