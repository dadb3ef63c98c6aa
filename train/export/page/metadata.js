// What an ONNX file says of itself: strings by name. onnxruntime-web keeps them to itself, so they are read here, from
// the file's own format, Protocol Buffers: a number that says which field follows, then its value or its length.

const METADATA = 14; // the field of a model that has one name and its string; it may come many times
const [NAME, TEXT] = [1, 2];
const [NUMBER, EIGHT_BYTES, BYTES] = [0, 1, 2]; // kinds of values; else there are four bytes

/**
 * @typedef {object} Metadata
 * @property {number} sampleRate
 * @property {number} frameSeconds
 * @property {number} lowestPitch
 * @property {number} dynamicRangeDb
 * @property {import("../../../mtinst/page/player/song.js").Names[]} instruments of each row, with `program`
 * @property {import("./notes.js").Thresholds} thresholds
 */

/** @param {Uint8Array} model @returns {Metadata} */
export function readMetadata(model) {
  const decoder = new TextDecoder();
  /** @type {Record<string, string>} */
  const said = {};
  for (const [field, value] of fields(model)) {
    if (field !== METADATA) continue;
    const entry = new Map(fields(value));
    said[decoder.decode(entry.get(NAME))] = decoder.decode(entry.get(TEXT));
  }
  if (said.format !== "mtinst-onnx/1") throw new Error("this is not a file that `python -m train export` wrote");
  const { instruments, ...thresholds } = JSON.parse(said.thresholds);
  return {
    sampleRate: JSON.parse(said.sample_rate),
    frameSeconds: JSON.parse(said.frame_seconds),
    lowestPitch: JSON.parse(said.lowest_pitch),
    dynamicRangeDb: JSON.parse(said.dynamic_range_db),
    instruments: JSON.parse(said.instruments),
    thresholds: {
      onset: Object.values(thresholds.onset),
      frame: Object.values(thresholds.frame),
      presence: Object.values(thresholds.presence),
      shortestS: thresholds.shortest_s,
      gapS: thresholds.gap_s,
      unison: thresholds.unison,
      pitch: thresholds.pitch,
    },
  };
}

/**
 * The fields of a message that hold bytes.
 *
 * @param {Uint8Array} message
 * @returns {Generator<[number, Uint8Array]>}
 */
function* fields(message) {
  let place = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[place++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (place < message.length) {
    const tag = number();
    const kind = tag & 7;
    if (kind === NUMBER) number();
    else if (kind !== BYTES) place += kind === EIGHT_BYTES ? 8 : 4;
    else {
      const length = number();
      yield [tag >>> 3, message.subarray(place, place + length)];
      place += length;
    }
  }
}
