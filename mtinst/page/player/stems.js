// Every track of a song, read in step: one position for all, at any speed without a change of pitch, around a loop.
//
// The same class runs in an AudioWorklet and, where a page may not have those (http from another computer), on the
// page itself.

/** @typedef {{ start: number, end: number }} Loop in seconds of the song; `end` is outside */

/**
 * From that time of the audio clock on, from that position, at that speed, and around a loop when it gets to the end.
 *
 * @typedef {{ time: number, position: number, speed: number, loop: Loop | null }} Anchor
 */

/** @typedef {Int16Array<ArrayBuffer> | null} Samples of one track; null for silence */

/** @typedef {{ stems?: [number, Samples][], weights?: number[], play?: Anchor, pause?: boolean }} Message */

/**
 * Where on the song's time axis the sound is at a time of the audio clock.
 *
 * @param {Anchor} anchor
 * @param {number} now
 */
export function positionAt({ time, position, speed, loop }, now) {
  const reached = position + (now - time) * speed;
  if (!loop || position >= loop.end || reached < loop.end) return reached;
  return loop.start + ((reached - loop.start) % (loop.end - loop.start));
}

// Waveform-similarity overlap-add (WSOLA): the sound is laid down in frames that overlap by half, each read where the
// clock says that the song is by then, and shifted by up to `reach` so that its waveform continues the frame before.
// One shift holds for all tracks, so they cannot drift apart. At speed 1 the frames continue each other anyway, and
// what comes out is the samples as they are.
export class StemReader {
  /** @param {number} sampleRate @param {number} nTracks */
  constructor(sampleRate, nTracks) {
    this.rate = sampleRate;
    this.hop = 4 * Math.round((0.03 * sampleRate) / 4); // half a frame, and what is made at a time
    this.reach = 4 * Math.round((0.01 * sampleRate) / 4); // half a period of 50 Hz
    this.jump = 0.05 * sampleRate; // further is a seek: faded across, not aligned
    this.ramp = 1 / (0.004 * sampleRate); // of the start and the end, against clicks
    this.rise = Float32Array.from({ length: this.hop }, (_, k) => 0.5 - 0.5 * Math.cos((Math.PI * k) / this.hop));
    /** @type {Samples[]} */
    this.stems = new Array(nTracks).fill(null);
    this.weights = new Float32Array(nTracks); // how loud each is, for the alignment
    this.made = this.stems.map(() => new Float32Array(this.hop));
    this.tails = this.stems.map(() => new Float32Array(this.hop)); // second halves of the frames before
    /** @type {Anchor[]} */
    this.anchors = []; // by time; the last one that has begun holds
    /** @type {number | null} */
    this.frame = null; // sample where the last frame began
    this.used = this.hop; // samples of `made` that have gone out
    this.level = 0;
    this.target = 0;
    const half = this.hop / 4;
    this.template = new Float32Array(this.hop);
    this.around = new Float32Array(this.hop + 2 * this.reach);
    this.coarseTemplate = new Float32Array(half);
    this.coarseAround = new Float32Array(this.around.length / 4);
  }

  /** @param {Message} message */
  receive({ stems, weights, play, pause }) {
    for (const [track, samples] of stems ?? []) {
      this.stems[track]?.buffer.transfer?.(0); // gives the memory back now, not at some garbage collection
      this.stems[track] = samples;
    }
    if (weights) this.weights.set(weights);
    if (play) {
      if (this.target === 0) this.anchors = [];
      if (this.target === 0 && this.level === 0) this.frame = null;
      this.anchors = [...this.anchors.filter((one) => one.time < play.time), play].slice(-4);
      this.target = 1;
    }
    if (pause) this.target = 0;
  }

  /**
   * Fill one array a track with what sounds from `time` on.
   *
   * @param {Float32Array[]} outputs
   * @param {number} time
   */
  read(outputs, time) {
    const length = outputs[0].length;
    let k = 0;
    if (this.anchors.length && this.frame === null && this.level === 0) {
      k = Math.max(0, Math.ceil((this.anchors[0].time - time) * this.rate - 1e-6));
      this.used = this.hop;
    }
    if (this.anchors.length === 0 || k >= length) return;
    while (k < length) {
      if (this.target === 0 && this.level === 0) {
        this.anchors = [];
        this.frame = null;
        return;
      }
      if (this.used === this.hop) this.makeHop(time + k / this.rate);
      const count = Math.min(length - k, this.hop - this.used);
      const startLevel = this.level;
      for (let track = 0; track < outputs.length; track++) {
        const made = this.made[track];
        const output = outputs[track];
        let level = startLevel;
        for (let step = 0; step < count; step++) {
          if (level !== this.target) level = this.next(level);
          output[k + step] = level * made[this.used + step];
        }
        this.level = level;
      }
      this.used += count;
      k += count;
    }
  }

  /** @param {number} level */
  next(level) {
    return this.target > level ? Math.min(1, level + this.ramp) : Math.max(0, level - this.ramp);
  }

  /**
   * Lay the next frame over the second half of the one before; the clock holds at its middle.
   *
   * @param {number} time
   */
  makeHop(time) {
    const { hop } = this;
    const middle = time + hop / this.rate;
    const begun = this.anchors.filter((one) => one.time <= middle + 1e-9);
    const anchor = begun.at(-1) ?? this.anchors[0];
    this.anchors = [anchor, ...this.anchors.filter((one) => one.time > middle + 1e-9)];
    const wanted = positionAt(anchor, middle) * this.rate - hop;
    const natural = this.frame === null ? wanted : this.frame + hop;
    let start = Math.round(wanted);
    if (this.frame === null) {
      this.stems.forEach((_, track) => this.keepTail(track, start - hop));
    } else if (Math.abs(wanted - natural) <= 1) {
      start = natural;
    } else if (Math.abs(wanted - natural) < this.jump) {
      start += this.bestShift(start, natural);
    }
    this.stems.forEach((samples, track) => {
      const made = this.made[track];
      const tail = this.tails[track];
      for (let k = 0; k < hop; k++) made[k] = tail[k];
      if (samples) {
        const [from, to] = this.inside(samples, start, hop);
        for (let k = from; k < to; k++) made[k] += (this.rise[k] * samples[start + k]) / 32768;
      }
      this.keepTail(track, start);
    });
    this.frame = start;
    this.used = 0;
  }

  /** @param {number} track @param {number} start */
  keepTail(track, start) {
    const { hop } = this;
    const tail = this.tails[track].fill(0);
    const samples = this.stems[track];
    if (!samples) return;
    const first = start + hop;
    const [from, to] = this.inside(samples, first, hop);
    for (let k = from; k < to; k++) tail[k] = ((1 - this.rise[k]) * samples[first + k]) / 32768;
  }

  /**
   * The part of `length` samples from `start` that the track has.
   *
   * @param {Int16Array} samples
   * @param {number} start
   * @param {number} length
   */
  inside(samples, start, length) {
    return [Math.max(0, Math.min(length, -start)), Math.max(0, Math.min(length, samples.length - start))];
  }

  /**
   * By how many samples to shift the frame wanted at `start` so that it is most like what would come naturally.
   *
   * @param {number} start
   * @param {number} natural
   */
  bestShift(start, natural) {
    this.mix(this.template, natural);
    this.mix(this.around, start - this.reach);
    thin(this.template, this.coarseTemplate);
    thin(this.around, this.coarseAround);
    const coarse = 4 * search(this.coarseTemplate, this.coarseAround, 0, this.reach / 2, 1);
    const last = 2 * this.reach;
    return search(this.template, this.around, Math.max(0, coarse - 3), Math.min(last, coarse + 3), 2) - this.reach;
  }

  /**
   * What is heard of all tracks together, from sample `start` on.
   *
   * @param {Float32Array} into
   * @param {number} start
   */
  mix(into, start) {
    into.fill(0);
    this.stems.forEach((samples, track) => {
      const weight = this.weights[track] / 32768;
      if (!samples || weight === 0) return;
      const [from, to] = this.inside(samples, start, into.length);
      for (let k = from; k < to; k++) into[k] += weight * samples[start + k];
    });
  }
}

/** @param {Float32Array} from @param {Float32Array} to one sample for each four */
function thin(from, to) {
  for (let k = 0; k < to.length; k++) to[k] = from[4 * k] + from[4 * k + 1] + from[4 * k + 2] + from[4 * k + 3];
}

/**
 * The shift, from `first` to `last`, of the highest normalised correlation.
 *
 * @param {Float32Array} template
 * @param {Float32Array} around
 * @param {number} first
 * @param {number} last
 * @param {number} stride
 */
function search(template, around, first, last, stride) {
  let best = Math.round((first + last) / 2);
  let highest = 0;
  for (let shift = first; shift <= last; shift++) {
    let product = 0;
    let energy = 1e-9;
    for (let k = 0; k < template.length; k += stride) {
      product += template[k] * around[shift + k];
      energy += around[shift + k] * around[shift + k];
    }
    const score = product / Math.sqrt(energy);
    if (score > highest) [best, highest] = [shift, score];
  }
  return best;
}
