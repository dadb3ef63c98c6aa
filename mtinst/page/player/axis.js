// The time axis that all pictures of a song share: which seconds are where, in CSS pixels from a picture's left edge.
const LEAST_SCALE = 22; // pixels a second at first, so that notes can be told apart
const MOST_SCALE = 400;
const NARROW = 520; // a picture of fewer pixels has a narrower gutter

export class TimeAxis {
  constructor() {
    this.duration = 1;
    this.start = 0; // second at the left edge
    this.scale = LEAST_SCALE; // pixels a second
    this.fullWidth = 0; // of a picture with its gutter
  }

  // Left of the axis: names and the keyboard.
  get gutter() {
    return this.fullWidth < NARROW ? 84 : 124;
  }

  get width() {
    return Math.max(1, this.fullWidth - this.gutter);
  }

  get end() {
    return this.start + this.width / this.scale;
  }

  get leastScale() {
    return this.width / this.duration;
  }

  get showsAll() {
    return this.scale <= this.leastScale * 1.001;
  }

  /** @param {number} second */
  x(second) {
    return this.gutter + (second - this.start) * this.scale;
  }

  /**
   * The second at a place, within the song.
   *
   * @param {number} x
   */
  secondAt(x) {
    return Math.max(0, Math.min(this.duration, this.start + (x - this.gutter) / this.scale));
  }

  /** @param {number} duration */
  reset(duration) {
    this.duration = Math.max(duration, 0.1);
    this.scale = Math.max(this.leastScale, LEAST_SCALE);
    this.moveTo(0);
  }

  /**
   * Enlarge or shrink around a second that stays where it is, or comes to the middle when it was out of sight.
   *
   * @param {number} factor
   * @param {number} around
   */
  zoom(factor, around) {
    const inside = around >= this.start && around <= this.end;
    const share = inside ? (around - this.start) / (this.end - this.start) : 0.5;
    this.scale = Math.min(Math.max(MOST_SCALE, this.leastScale), this.scale * factor);
    this.scale = Math.max(this.leastScale, this.scale);
    this.moveTo(around - (share * this.width) / this.scale);
  }

  /** @param {number} start */
  moveTo(start) {
    this.scale = Math.max(this.scale, this.leastScale);
    this.start = Math.max(0, Math.min(this.duration - this.width / this.scale, start));
  }

  /**
   * Turn the page when a second is out of sight, or near the right edge; whether that was needed.
   *
   * @param {number} second
   */
  reveal(second) {
    const share = (second - this.start) / (this.end - this.start);
    const isLast = this.end >= this.duration - 1e-6;
    if (share >= 0 && (share <= 0.92 || (isLast && share <= 1))) return false;
    this.moveTo(second - (0.08 * this.width) / this.scale);
    return true;
  }
}
