// Probabilities to notes: mtinst/hear/notes.py in JavaScript, whose `rolls_to_notes` has the eleven rules.

import { N_PITCHES, mean, round, rowOf } from "./rolls.js";

/** @typedef {import("./rolls.js").Rolls} Rolls */

/**
 * @typedef {object} Thresholds
 * @property {number[]} onset of each instrument
 * @property {number[]} frame
 * @property {number[]} presence
 * @property {number} shortestS
 * @property {number} gapS
 * @property {number} unison
 * @property {number} pitch
 */

/** @typedef {{ frameSeconds: number, lowestPitch: number, dynamicRangeDb: number, thresholds: Thresholds }} Options */

/**
 * @typedef {object} Note
 * @property {number} onset in seconds
 * @property {number} offset
 * @property {number} pitch
 * @property {number} instrument its row
 * @property {number} velocity
 * @property {number} confidence
 */

/** @typedef {{ row: number, first: number, end: number, offCentre: number }} Span of frames, `end` outside, in a row */

const ATTACK_S = 0.064;
const ONSETLESS_SHORTEST_S = 0.16;
const ONSETLESS_MARGIN = 0.2;
const MOST_OFF_CENTRE = 0.48;
const LEAST_SHARE = 0.03;
const SHARE_WITHIN_S = 30;
const PRESENCE_SHARE = 0.1;
const PRESENCE_LEAST_S = 0.25;
const PRESENCE_MOST_S = 10;
const FAINTEST = Math.fround(1e-3);

/**
 * The notes, by onset.
 *
 * @param {Rolls} rolls
 * @param {Options} options
 * @returns {Note[]}
 */
export function rollsToNotes(rolls, options) {
  const { nFrames } = rolls;
  const { thresholds } = options;
  const rate = 1 / options.frameSeconds;
  const limits = {
    shortest: Math.max(1, Math.ceil(Math.min(thresholds.shortestS * rate, nFrames + 1) - 1e-6)),
    gap: Math.floor(Math.min(thresholds.gapS * rate, nFrames) + 1e-6),
    attack: round(ATTACK_S * rate),
    onsetless: round(ONSETLESS_SHORTEST_S * rate),
  };
  const sureness = presence(rolls, rate);
  const present = sureness.flatMap((one, k) => (one >= Math.fround(thresholds.presence[k]) ? [k] : []));
  /** @type {Map<number, Span[]>} */
  let claims = new Map();
  for (const k of present) {
    const [frames, onsets] = [rolls.piano, rolls.onset].map((roll) => ofInstrument(roll, k, nFrames));
    claims.set(k, decodeRows(frames, onsets, thresholds.frame[k], thresholds.onset[k], limits));
  }
  if (thresholds.pitch < 1 && present.length) {
    for (const span of unclaimed(rolls, claims, thresholds.pitch, limits)) {
      const chances = present.map((k) => chance(rolls, k, span));
      claims.get(present[chances.indexOf(Math.max(...chances))])?.push(span);
    }
    for (const spans of claims.values()) untangle(spans);
  }
  if (thresholds.unison > 0) claims = resolve(rolls, claims, thresholds.unison);
  const notes = withEnoughOf(claims, nFrames, rate).flatMap(([k, spans]) => toNotes(rolls, k, spans, options));
  return notes.sort(
    (a, b) => a.onset - b.onset || a.pitch - b.pitch || a.instrument - b.instrument || a.offset - b.offset,
  );
}

/** @param {Float32Array} roll @param {number} instrument @param {number} nFrames */
const ofInstrument = (roll, instrument, nFrames) => rowOf(roll, instrument, N_PITCHES * nFrames);

/**
 * The mean probability of that instrument over a note.
 *
 * @param {Rolls} rolls
 * @param {number} instrument
 * @param {{ row: number, first: number, end: number }} span
 */
const chance = ({ piano, nFrames }, instrument, { row, first, end }) =>
  Math.fround(mean(rowOf(piano, instrument * N_PITCHES + row, nFrames), first, end));

/** @param {Rolls} rolls @param {number} rate how sure each instrument is to play at all */
function presence({ instrument, nFrames }, rate) {
  const most = Math.min(round(PRESENCE_MOST_S * rate), round(PRESENCE_SHARE * nFrames));
  const nTop = Math.min(nFrames, Math.max(round(PRESENCE_LEAST_S * rate), most));
  return Array.from({ length: instrument.length / nFrames }, (_, k) =>
    Math.fround(mean(rowOf(instrument, k, nFrames).slice().sort(), nFrames - nTop)),
  );
}

/** @typedef {{ shortest: number, gap: number, attack: number, onsetless: number }} Limits in frames */

/**
 * Rules 2 to 7 and 11, of one player.
 *
 * @param {Float32Array} frames
 * @param {Float32Array} onsets
 * @param {number} frameThreshold
 * @param {number} onsetThreshold
 * @param {Limits} limits
 * @returns {Span[]}
 */
function decodeRows(frames, onsets, frameThreshold, onsetThreshold, limits, needsOnset = false) {
  const nFrames = frames.length / N_PITCHES;
  /** @type {Span[]} */
  const spans = [];
  for (let row = 0; row < N_PITCHES; row++) {
    const probs = rowOf(frames, row, nFrames);
    const onsetProbs = rowOf(onsets, row, nFrames);
    const runs = activeRuns(probs, frameThreshold);
    if (!runs.length) continue;
    const peaks = peaksOf(onsetProbs, onsetThreshold, Math.max(1, limits.shortest - 1));
    const isPeak = new Set(peaks);
    for (const [first, end] of cut(startAtOnsets(closeGaps(runs, peaks, limits), peaks, limits), peaks)) {
      const hasOnset = isPeak.has(first);
      const offCentre = hasOnset ? offCentreOf(onsetProbs, first) : 0;
      const isLong = end - first >= (hasOnset ? limits.shortest : Math.max(limits.shortest, limits.onsetless));
      if (isLong && (hasOnset || (!needsOnset && isConvincing(probs, first, end, frameThreshold)))) {
        spans.push({ row, first, end, offCentre });
      }
    }
  }
  return spans;
}

/** @typedef {[first: number, end: number]} Run of frames */

/** @param {Float32Array} probs @param {number} threshold */
function activeRuns(probs, threshold) {
  const least = Math.fround(threshold);
  /** @type {Run[]} */
  const runs = [];
  for (let t = 0; t < probs.length; t++) {
    if (!(probs[t] > least)) continue;
    const first = t;
    while (t < probs.length && probs[t] > least) t++;
    runs.push([first, t]);
  }
  return runs;
}

/** @param {Float32Array} probs @param {number} threshold @param {number} reach */
function peaksOf(probs, threshold, reach) {
  const least = Math.fround(threshold);
  const peaks = [];
  for (let t = 0; t < probs.length; t++) {
    let isPeak = probs[t] > least;
    for (let step = 1; isPeak && step <= reach; step++) {
      isPeak = (t < step || probs[t] > probs[t - step]) && (t + step >= probs.length || probs[t] >= probs[t + step]);
    }
    if (isPeak) peaks.push(t);
  }
  return peaks;
}

/** @param {Run[]} runs @param {number[]} peaks @param {Limits} limits rule 4 */
function closeGaps(runs, peaks, { gap, attack }) {
  /** @type {Run[]} */
  const closed = [];
  runs.forEach(([first, end], k) => {
    const before = runs[k - 1];
    const isApart = !before || first - before[1] > gap || peaks.some((t) => t >= before[1] && t <= first + attack);
    if (isApart) closed.push([first, end]);
    else closed[closed.length - 1][1] = end;
  });
  return closed;
}

/** @param {Run[]} runs @param {number[]} peaks @param {Limits} limits rule 5 */
function startAtOnsets(runs, peaks, { attack }) {
  return runs.map(([first, end], k) => {
    const nearest = peaks.findLast((t) => t <= first) ?? -1;
    const earliest = Math.max(first - attack, runs[k - 1]?.[1] ?? 0);
    return /** @type {Run} */ ([nearest >= earliest ? nearest : first, end]);
  });
}

/** @param {Run[]} runs @param {number[]} peaks rule 6 */
function cut(runs, peaks) {
  return runs.flatMap(([first, end]) => {
    const starts = [first, ...peaks.filter((t) => t > first && t < end)];
    return starts.map((start, k) => /** @type {Run} */ ([start, starts[k + 1] ?? end]));
  });
}

/** @param {Float32Array} probs @param {number} first @param {number} end @param {number} threshold rule 7 */
function isConvincing(probs, first, end, threshold) {
  const active = probs.slice(first, end).filter((one) => one > Math.fround(threshold));
  return active.length > 0 && mean(active) >= threshold + ONSETLESS_MARGIN * (1 - threshold);
}

/** @param {Float32Array} onsetProbs @param {number} first rule 11 */
function offCentreOf(onsetProbs, first) {
  if (first <= 0 || first >= onsetProbs.length - 1) return 0;
  const [before, at, after] = [-1, 0, 1].map((step) => Math.log(Math.max(onsetProbs[first + step], FAINTEST)));
  const curvature = before - 2 * at + after;
  if (curvature >= 0) return 0;
  return Math.min(MOST_OFF_CENTRE, Math.max(-MOST_OFF_CENTRE, (before - after) / (2 * curvature)));
}

/**
 * Rule 8, but for whose the notes are.
 *
 * @param {Rolls} rolls
 * @param {Map<number, Span[]>} claims
 * @param {number} threshold
 * @param {Limits} limits
 */
function unclaimed({ pitch, onset, nFrames }, claims, threshold, limits) {
  const begins = new Float32Array(pitch.length).fill(1);
  for (let k = 0; k < onset.length; k++) begins[k % pitch.length] *= 1 - onset[k];
  for (let k = 0; k < begins.length; k++) begins[k] = 1 - begins[k];
  const [freePitch, freeBegins] = [pitch.slice(), begins.slice()];
  for (const { row, first, end } of [...claims.values()].flat()) {
    for (const roll of [freePitch, freeBegins]) roll.fill(0, row * nFrames + first, row * nFrames + end);
  }
  const spans = decodeRows(freePitch, freeBegins, threshold, threshold, limits, true);
  return spans.map((span) => ({ ...span, offCentre: offCentreOf(rowOf(begins, span.row, nFrames), span.first) }));
}

/** @param {Span[]} spans sorted in place, each cut short where the next of its row begins */
function untangle(spans) {
  spans.sort((a, b) => a.row - b.row || a.first - b.first);
  spans.forEach((span, k) => {
    const next = spans[k + 1];
    if (next?.row === span.row) span.end = Math.min(span.end, next.first);
  });
}

/**
 * Rule 9.
 *
 * @param {Rolls} rolls
 * @param {Map<number, Span[]>} claims
 * @param {number} unison
 */
function resolve(rolls, claims, unison) {
  const { nFrames } = rolls;
  const best = new Float32Array(N_PITCHES * nFrames);
  const second = best.slice();
  const owner = new Int8Array(best.length).fill(-1); // whose the best is
  for (const [k, spans] of claims) {
    for (const span of spans) {
      const sure = chance(rolls, k, span);
      for (let cell = span.row * nFrames + span.first; cell < span.row * nFrames + span.end; cell++) {
        if (sure > best[cell]) [best[cell], second[cell], owner[cell]] = [sure, best[cell], k];
        else second[cell] = Math.max(second[cell], sure);
      }
    }
  }
  const stays = (/** @type {number} */ k, /** @type {Span} */ span) => {
    const rivals = new Float32Array(span.end - span.first);
    rivals.forEach((_, t) => {
      const cell = span.row * nFrames + span.first + t;
      rivals[t] = owner[cell] === k ? second[cell] : best[cell];
    });
    return chance(rolls, k, span) >= Math.fround(unison * Math.fround(mean(rivals)));
  };
  return new Map([...claims].map(([k, spans]) => [k, spans.filter((span) => stays(k, span))]));
}

/**
 * Rule 10: the claims of the instruments that stay.
 *
 * @param {Map<number, Span[]>} claims
 * @param {number} nFrames
 * @param {number} rate
 */
function withEnoughOf(claims, nFrames, rate) {
  const width = Math.min(nFrames, round(SHARE_WITHIN_S * rate));
  const nPlaces = nFrames - width + 1;
  const altogether = new Float64Array(nPlaces);
  let all = 0;
  const sounding = [...claims].map(([k, spans]) => {
    const until = new Float64Array(nFrames + 2); // frames of notes before each frame; first, how many begin and end
    for (const { first, end } of spans) {
      until[first + 1] += 1;
      until[end + 1] -= 1;
      all += end - first;
    }
    for (let pass = 0; pass < 2; pass++) for (let t = 1; t < until.length; t++) until[t] += until[t - 1];
    const within = altogether.map((_, t) => until[t + width] - until[t]);
    within.forEach((value, t) => (altogether[t] += value));
    return { k, spans, within };
  });
  const average = (width / nFrames) * all;
  return sounding
    .filter(({ within }) => within.some((value, t) => value >= LEAST_SHARE * Math.max(altogether[t], average)))
    .map(({ k, spans }) => /** @type {[number, Span[]]} */ ([k, spans]));
}

/**
 * @param {Rolls} rolls
 * @param {number} instrument
 * @param {Span[]} spans
 * @param {Options} options
 * @returns {Note[]}
 */
function toNotes(rolls, instrument, spans, { frameSeconds, lowestPitch, dynamicRangeDb }) {
  const { nFrames, levels } = rolls;
  const attack = round(ATTACK_S / frameSeconds);
  return spans.map((span, k) => {
    const next = spans[k + 1];
    const isTouched = next?.row === span.row && next.first === span.end; // the later onset is the end of both
    const end = Math.min(nFrames, span.first + attack + 1);
    const loudest = Math.max(...rowOf(levels, span.row, nFrames).subarray(span.first, end));
    const velocity = round(110 * 10 ** (((loudest - 1) * dynamicRangeDb) / 40));
    return {
      onset: (span.first + span.offCentre) * frameSeconds,
      offset: (isTouched ? next.first + next.offCentre : span.end) * frameSeconds,
      pitch: lowestPitch + span.row,
      instrument,
      velocity: Math.min(110, Math.max(30, velocity)),
      confidence: chance(rolls, instrument, span),
    };
  });
}
