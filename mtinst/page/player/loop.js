// Regions of a song that are played again and again.

/** @typedef {import("./stems.js").Loop} Loop */

const SHORTEST_S = 0.2;
const NEW_S = 4; // when nothing was marked

/**
 * A region as it may be gone round: forwards, within the song, and not too short.
 *
 * @param {Loop} region
 * @param {number} duration
 * @returns {Loop}
 */
export function loopWithin(region, duration) {
  const inSong = [region.start, region.end].map((one) => Math.max(0, Math.min(duration, one)));
  const end = Math.max(...inSong);
  const start = Math.max(0, Math.min(...inSong, end - SHORTEST_S));
  return { start, end: Math.min(duration, Math.max(end, start + SHORTEST_S)) };
}

/**
 * A region of some seconds from a position on, or up to the end.
 *
 * @param {number} position
 * @param {number} duration
 * @returns {Loop}
 */
export function newLoop(position, duration) {
  const start = Math.max(0, Math.min(position, duration - NEW_S));
  return { start, end: start + NEW_S };
}

/**
 * A region that starts, or ends, at a position; the whole song where there would be nothing to go round.
 *
 * @param {Loop | null} loop
 * @param {"start" | "end"} edge
 * @param {number} position
 * @param {number} duration
 * @returns {Loop}
 */
export function markedLoop(loop, edge, position, duration) {
  const region = { start: 0, end: duration, ...loop, [edge]: position };
  if (region.start < region.end) return region;
  if (edge === "start") region.end = duration;
  else region.start = 0;
  return region.start < region.end ? region : { start: 0, end: duration };
}
