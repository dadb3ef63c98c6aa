// What every picture needs: sharp canvases, the theme's colours, and rolls of probabilities as images.
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const COLOURS = /** @type {const} */ (["ink", "quiet", "line", "card", "soft", "accent"]);
const TILE = 1024; // columns of an image, so that only what is in sight is ever made

/** @param {string} hex */
const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

// The colours of the page's style sheet, which know about light and dark.
export class Palette {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.ink = this.quiet = this.line = this.card = this.soft = this.accent = "";
    this.isDark = false;
    this.refresh();
  }

  refresh() {
    const style = getComputedStyle(this.root);
    for (const name of COLOURS) this[name] = style.getPropertyValue(`--mt-${name}`).trim() || "#808080";
    this.isDark = this.root.closest(".dark") !== null;
  }

  /** @param {import("./song.js").Names} instrument */
  of(instrument) {
    return this.isDark ? instrument.dark : instrument.light;
  }
}

// A canvas that is drawn on in CSS pixels, whatever the screen's are; its size is read once, in `measure`.
export class Sheet {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = brush(canvas);
    this.ratio = 1;
    this.width = 0;
    this.height = 0;
  }

  measure() {
    const ratio = window.devicePixelRatio || 1;
    this.ratio = ratio;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }

  clean() {
    const g = this.context;
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.font = FONT;
    g.textBaseline = "middle";
    return g;
  }
}

// Probabilities as an image: as strong as they are, in the colour of the strongest of several planes, each a roll of
// the same shape. Shown small, a column is the strongest of the frames that it stands for, so nothing short is lost.
export class RollImage {
  /**
   * @param {number} rows
   * @param {number} columns
   * @param {{ values: Uint8Array, colourOf: (row: number) => string }[]} planes
   */
  constructor(rows, columns, planes, lowestBelow = false) {
    this.rows = rows;
    this.columns = columns;
    this.planes = planes;
    this.lowestBelow = lowestBelow;
    /** @type {Map<string, HTMLCanvasElement>} */
    this.tiles = new Map();
  }

  /**
   * Draw the frames in sight into a band of a picture; `from` and `to` are rows of the image, from above.
   *
   * @param {CanvasRenderingContext2D} g
   * @param {import("./axis.js").TimeAxis} axis
   * @param {number} frameRate
   * @param {number} top
   * @param {number} height
   */
  draw(g, axis, frameRate, top, height, from = 0, to = this.rows) {
    const framesAPixel = frameRate / axis.scale;
    let pool = 1;
    while (pool * 2 <= framesAPixel) pool *= 2;
    const span = TILE * pool;
    const last = Math.min(Math.ceil((axis.end * frameRate) / span), Math.ceil(this.columns / span));
    g.save();
    g.beginPath();
    g.rect(axis.gutter, top, axis.width, height);
    g.clip();
    g.imageSmoothingEnabled = false;
    for (let index = Math.max(0, Math.floor((axis.start * frameRate) / span)); index < last; index++) {
      const tile = this.tile(pool, index);
      const left = axis.x((index * span) / frameRate);
      const right = axis.x((index * span + tile.width * pool) / frameRate);
      g.drawImage(tile, 0, from, tile.width, to - from, left, top, right - left, height);
    }
    g.restore();
  }

  /** @param {number} pool @param {number} index */
  tile(pool, index) {
    const key = `${pool}:${index}`;
    const tile = this.tiles.get(key) ?? this.make(pool, index * TILE * pool);
    this.tiles.set(key, tile);
    return tile;
  }

  /** @param {number} pool @param {number} first */
  make(pool, first) {
    const end = Math.min(this.columns, first + TILE * pool);
    const width = Math.max(1, Math.ceil((end - first) / pool));
    const canvas = Object.assign(document.createElement("canvas"), { width, height: this.rows });
    const image = new ImageData(width, this.rows);
    const pixels = image.data;
    for (const { values, colourOf } of this.planes) {
      for (let row = 0; row < this.rows; row++) {
        const [red, green, blue] = rgb(colourOf(row));
        const y = this.lowestBelow ? this.rows - 1 - row : row;
        const start = row * this.columns;
        for (let frame = first; frame < end; frame++) {
          const strength = values[start + frame];
          if (strength === 0) continue;
          const k = 4 * (y * width + Math.floor((frame - first) / pool));
          if (strength <= pixels[k + 3]) continue;
          pixels[k] = red;
          pixels[k + 1] = green;
          pixels[k + 2] = blue;
          pixels[k + 3] = strength;
        }
      }
    }
    brush(canvas).putImageData(image, 0, 0);
    return canvas;
  }
}

/** @param {HTMLCanvasElement} canvas */
export function brush(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * A note: rounded where there is room for it.
 *
 * @param {CanvasRenderingContext2D} g
 * @param {number} left
 * @param {number} top
 * @param {number} length
 * @param {number} thickness
 */
export function bar(g, left, top, length, thickness) {
  if (length < 6 || thickness < 5) g.rect(left, top, length, thickness);
  else g.roundRect(left, top, length, thickness, Math.min(3, thickness / 2, length / 2));
}
