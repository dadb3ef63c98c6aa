// The player's sound: the song itself and one track for each part, all read by one clock, so that they stay in step to
// the sample, while each is turned up, down, left and right.

import { isHeard, levelsOf } from "./levels.js";
import { loopWithin } from "./loop.js";
import { Output } from "./output.js";
import { positionAt } from "./stems.js";
import { loadTracks } from "./tracks.js";

/** @typedef {import("./levels.js").Part} Part */

/** @typedef {import("./stems.js").Loop} Loop */

const LEAD_S = 0.05; // between a wish and its time, so that it reaches the audio thread before
// Decoded audio is 2 bytes a sample and track; many minutes of many tracks are kept at half the rate.
const RATE = 32000;
const LONG_RATE = 16000;
const LONG_TRACK_SECONDS = 2400;
const NEW_PART = { volume: 0.9, pan: 0, muted: false, soloed: false };

export class Mixer {
  /** @param {() => void} onSilence called when playing has ended before it began, as nothing takes the sound */
  constructor(onSilence) {
    this.onSilence = onSilence;
    /** @type {Map<string, number>} */
    this.tracks = new Map(); // the number of each name's
    /** @type {Map<string, Part>} */
    this.parts = new Map(); // of who has a track, by name
    this.fade = 1; // 0: only the song itself, 1: only its notes
    this.speed = 1;
    /** @type {Loop | null} */
    this.loop = null;
    this.loops = false; // whether that is gone round
    this.duration = 0;
    this.rate = 0;
    this.isReady = false;
    this.isStale = false; // the parts are of other notes than those shown, and so silent
    this.playing = false;
    this.offset = 0; // position while nothing plays
    /** @type {import("./stems.js").Anchor & { isJump: boolean } | null} */
    this.anchor = null; // while playing
    /** @type {Output | null} */
    this.output = null;
    /** @type {AbortController | null} */
    this.loading = null;
    /** @type {Map<string, string>} */
    this.loaded = new Map(); // name -> where its samples came from
    /** @type {Map<string, Int16Array<ArrayBuffer>>} */
    this.waiting = new Map(); // name -> samples, until there is an output to take them
    /** @type {Map<string, Part>} */
    this.settings = new Map(); // of every part there ever was in this song
  }

  /**
   * Get ready for a song, so that places can be marked before there is sound. Track 0 is the song itself.
   *
   * @param {string[]} names of the instruments that may have parts
   * @param {number} duration
   */
  expect(names, duration) {
    this.tracks = new Map(["original", ...names].map((name, track) => [name, track]));
    this.duration = duration;
  }

  /**
   * Fetch and decode what is not there yet; resolves to false when another load came in between. A setting that a part
   * had before (volume, pan, mute, solo) stays.
   *
   * @param {string} originalUrl
   * @param {Record<string, string>} partUrls
   * @param {(done: number, total: number) => void} onProgress
   */
  async load(originalUrl, partUrls, onProgress) {
    this.loading?.abort();
    const loading = (this.loading = new AbortController());
    const { duration } = this;
    const nTracks = Object.keys(partUrls).length + 1;
    const rate = nTracks * duration > LONG_TRACK_SECONDS ? LONG_RATE : RATE;
    /** @type {Record<string, string>} */
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
      const one = samples.get(name);
      if (one) this.keep(name, urls[name], one);
      else if (!(name in urls) && this.loaded.has(name)) this.keep(name, null, null);
    }
    const named = Object.keys(partUrls);
    this.parts = new Map(named.map((name) => [name, this.settings.get(name) ?? { ...NEW_PART }]));
    for (const [name, part] of this.parts) this.settings.set(name, part);
    this.isReady = true;
    this.isStale = false;
    if (!this.playing) this.offset = Math.min(position, duration);
    if (wasPlaying && !this.playing) this.play();
    this.applyLevels();
    return true;
  }

  /**
   * Hand a track's samples to whoever plays them; null is silence.
   *
   * @param {string} name
   * @param {string | null} url
   * @param {import("./stems.js").Samples} samples
   */
  keep(name, url, samples) {
    if (url) this.loaded.set(name, url);
    else this.loaded.delete(name);
    if (this.output) this.output.send({ stems: [[this.track(name), samples]] }, samples ? [samples.buffer] : []);
    else if (samples) this.waiting.set(name, samples);
    else this.waiting.delete(name);
  }

  /** @param {string} name */
  track(name) {
    return this.tracks.get(name) ?? 0;
  }

  // What is heard now, in seconds of the song; the way to the loudspeaker is taken off.
  get position() {
    const { anchor, output } = this;
    if (!anchor || !output) return this.offset;
    return this.within(positionAt(anchor, Math.max(anchor.isJump ? anchor.time : 0, output.heardTime)));
  }

  play() {
    if (this.playing || !this.isReady) return;
    this.playing = true;
    const { loop } = this;
    if (this.loops && loop && (this.offset < loop.start || this.offset >= loop.end - 0.02)) this.offset = loop.start;
    else if (this.offset >= this.duration - 0.05) this.offset = 0;
    this.start().catch((error) => {
      console.warn("no sound:", error);
      this.pause();
      this.onSilence();
    });
  }

  // Let the sound begin as soon as there is an output that takes it.
  async start() {
    const output = this.output ?? this.open();
    try {
      await output.start();
    } catch (error) {
      if (this.output === output) throw error; // or it was closed meanwhile, by another song
    }
    if (!this.playing || this.output !== output || this.anchor) return;
    this.applyLevels();
    this.setAnchor(this.offset);
  }

  open() {
    const output = (this.output = new Output(this.rate, this.tracks.size));
    for (const [name, samples] of this.waiting) this.keep(name, this.loaded.get(name) ?? null, samples);
    this.waiting.clear();
    return output;
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.position;
    this.playing = false;
    this.anchor = null;
    this.output?.send({ pause: true });
    this.output?.rest();
  }

  /** @param {number} position */
  seek(position) {
    this.offset = this.within(position);
    if (this.anchor) this.setAnchor(this.offset);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = Math.max(0.5, Math.min(1.5, speed));
    this.replan();
  }

  /**
   * Mark a region, or none by null; it is gone round as long as `loops`.
   *
   * @param {Loop | null} region
   */
  setLoop(region, loops = region !== null) {
    this.loop = region && loopWithin(region, this.duration);
    this.loops = loops && region !== null;
    if (this.loops && this.loop && this.playing && this.position >= this.loop.end) this.seek(this.loop.start);
    else this.replan();
  }

  /** @param {number} second */
  within(second) {
    return Math.max(0, Math.min(this.duration, second));
  }

  // From a moment to come, go on from where the song will be by then in the way it is now set to.
  replan() {
    const { anchor, loop, output } = this;
    if (!anchor || !output) return;
    const time = Math.max(output.context.currentTime + LEAD_S, anchor.time);
    let position = positionAt(anchor, time);
    if (this.loops && loop && this.position < loop.end && position >= loop.end) position = loop.start;
    this.setAnchor(position, time, false);
  }

  /** @param {number} position */
  setAnchor(position, time = 0, isJump = true) {
    const { output } = this;
    if (!output) return;
    time ||= output.context.currentTime + LEAD_S;
    this.anchor = { time, position, speed: this.speed, loop: this.loops && this.loop ? { ...this.loop } : null, isJump };
    output.send({ play: this.anchor });
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

  /** @param {string} name */
  isHeard(name) {
    return isHeard(this.parts, name);
  }

  /** @param {string} name @param {Partial<Part>} changes */
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

  /** @param {number} fade */
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
    const levels = levelsOf(this.parts, this.heardFade);
    const names = [...this.tracks.keys()]; // in the order of the tracks
    this.output?.setLevels(
      names.map((name) => (this.isStale && name !== "original" ? 0 : (levels.get(name) ?? 0))),
      names.map((name) => this.parts.get(name)?.pan ?? 0),
    );
  }

  /**
   * How loud a track is right now, as it leaves for the loudspeaker.
   *
   * @param {string} name "original" or an instrument's
   */
  level(name) {
    return this.playing && this.output ? this.output.level(this.track(name)) : 0;
  }
}
