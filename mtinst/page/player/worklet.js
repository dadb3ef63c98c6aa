// The reader of stems on the audio thread; its one output has a channel for each track.

import { StemReader } from "./stems.js";

registerProcessor(
  "mtinst-stems",
  class extends AudioWorkletProcessor {
    /** @param {AudioWorkletNodeOptions} options */
    constructor({ outputChannelCount = [1] }) {
      super();
      this.reader = new StemReader(sampleRate, outputChannelCount[0]);
      this.port.onmessage = ({ data }) => this.reader.receive(data);
    }

    /** @param {Float32Array[][]} inputs @param {Float32Array[][]} outputs */
    process(inputs, [channels]) {
      this.reader.read(channels, currentTime);
      return true;
    }
  },
);
