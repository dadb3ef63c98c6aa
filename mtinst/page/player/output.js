// From stems to the loudspeaker: an audio context, the reader of all tracks as its one source, and for each track
// volume, place between left and right, and a meter.

import { StemReader } from "./stems.js";

const GLIDE_S = 0.015; // of every change of volume, against clicks
const CLOSING_MS = 300;
const RESTING_MS = 2000; // after which a pause lets the audio device go
const BLOCK = 2048; // samples at a time where there is no worklet
const WORKLET = new URL("./worklet.js", import.meta.url);

export class Output {
  /** @param {number} rate @param {number} nTracks */
  constructor(rate, nTracks) {
    this.rate = rate;
    this.nTracks = nTracks;
    this.context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    this.splitter = new ChannelSplitterNode(this.context, { numberOfOutputs: nTracks });
    this.master = new GainNode(this.context);
    this.master.connect(this.context.destination);
    this.strips = Array.from({ length: nTracks }, (_, track) => this.strip(track));
    /** @type {[import("./stems.js").Message, Transferable[]][]} */
    this.waiting = []; // messages until the source is there
    /** @type {AudioNode | null} */
    this.source = null;
    /** @type {((message: import("./stems.js").Message, transfer: Transferable[]) => void) | null} */
    this.deliver = null;
    /** @type {Promise<void> | null} */
    this.opening = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resting = undefined;
    this.samples = new Float32Array(this.strips[0].meter.fftSize);
  }

  // Resolves once sound can leave, and rejects when it cannot; whoever asks again has it tried again.
  async start() {
    clearTimeout(this.resting);
    await this.context.resume();
    this.opening ??= this.open().catch((error) => {
      this.opening = null;
      throw error;
    });
    await this.opening;
  }

  // Nothing is to be heard for a while.
  rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.context.suspend(), RESTING_MS);
  }

  /** @param {number} track */
  strip(track) {
    const gain = new GainNode(this.context, { gain: 0 });
    const pan = new StereoPannerNode(this.context);
    const meter = new AnalyserNode(this.context, { fftSize: 2048 });
    this.splitter.connect(gain, track).connect(pan).connect(meter).connect(this.master);
    return { gain, pan, meter };
  }

  async open() {
    const { context, nTracks } = this;
    if (context.audioWorklet) {
      await context.audioWorklet.addModule(WORKLET);
      const node = new AudioWorkletNode(context, "mtinst-stems", { numberOfInputs: 0, outputChannelCount: [nTracks] });
      this.deliver = (message, transfer) => node.port.postMessage(message, transfer);
      this.source = node;
    } else {
      const reader = new StemReader(context.sampleRate, nTracks);
      const node = context.createScriptProcessor(BLOCK, 0, nTracks);
      node.onaudioprocess = ({ outputBuffer, playbackTime }) => {
        const channels = Array.from({ length: nTracks }, (_, track) => outputBuffer.getChannelData(track));
        for (const channel of channels) channel.fill(0);
        reader.read(channels, playbackTime);
      };
      this.deliver = (message) => reader.receive(message);
      this.source = node;
    }
    this.source.connect(this.splitter);
    for (const [message, transfer] of this.waiting.splice(0)) this.deliver(message, transfer);
  }

  /** @param {import("./stems.js").Message} message @param {Transferable[]} transfer */
  send(message, transfer = []) {
    if (this.deliver) this.deliver(message, transfer);
    else this.waiting.push([message, transfer]);
  }

  /** @param {number[]} levels @param {number[]} pans */
  setLevels(levels, pans) {
    const now = this.context.currentTime;
    this.strips.forEach(({ gain, pan }, track) => {
      gain.gain.setTargetAtTime(levels[track], now, GLIDE_S);
      pan.pan.setTargetAtTime(pans[track], now, GLIDE_S);
    });
    this.send({ weights: levels });
  }

  // The time of the audio clock whose sound is leaving the loudspeaker now.
  get heardTime() {
    const { context } = this;
    const latency = context.outputLatency || context.baseLatency || 0;
    const now = context.currentTime - latency;
    // currentTime stands still for the length of a hardware buffer; the timestamp goes on smoothly, where it is sane.
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp?.() ?? {};
    const smooth = contextTime + (performance.now() - performanceTime) / 1000;
    return contextTime > 0 && Math.abs(smooth - now) < 0.03 ? smooth : now;
  }

  /**
   * How loud a track is right now, as it leaves for the loudspeaker.
   *
   * @param {number} track
   */
  level(track) {
    const { meter } = this.strips[track];
    meter.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (let k = 0; k < this.samples.length; k++) sum += this.samples[k] * this.samples[k];
    return Math.sqrt(sum / this.samples.length);
  }

  close() {
    clearTimeout(this.resting);
    this.send({ pause: true, stems: this.strips.map((_, track) => [track, null]) });
    // By then the sound has faded, and the worklet has let go of the samples.
    setTimeout(() => (this.source?.disconnect(), this.context.close()), CLOSING_MS);
  }
}
