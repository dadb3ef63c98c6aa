// Who is heard, and how loud.

/** @typedef {{ volume: number, pan: number, muted: boolean, soloed: boolean }} Part as it is set in the mixer */

/** @typedef {ReadonlyMap<string, Part>} Parts by name */

/**
 * A part is heard when it is soloed, or when nobody is and it is not muted.
 *
 * @param {Parts} parts
 * @param {string} name
 */
export function isHeard(parts, name) {
  const part = parts.get(name);
  if (!part) return true;
  return [...parts.values()].some((one) => one.soloed) ? part.soloed : !part.muted;
}

/**
 * How loud the song itself, and each part, is made.
 *
 * @param {Parts} parts
 * @param {number} fade 0: only the song itself, 1: only its notes; of equal power between
 * @returns {Map<string, number>}
 */
export function levelsOf(parts, fade) {
  const angle = (fade * Math.PI) / 2;
  const original = Math.cos(angle);
  const levels = new Map([["original", original > 1e-3 ? original : 0]]);
  for (const [name, { volume }] of parts) levels.set(name, isHeard(parts, name) ? volume * Math.sin(angle) : 0);
  return levels;
}
