// The player's pictures: notes, activity and pitches on three canvases that share one time axis and one playhead.
(() => {
  const PITCH_CLASSES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
  const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const LEAST_SCALE = 22; // pixels a second at first, so that notes can be told apart
  const MOST_SCALE = 400;
  const RULER = 20; // pixels above the notes
  const MAX_COLUMNS = 8192; // of a picture that is scaled; canvases of some browsers end soon after

  const clock = (second, step = 1) => {
    const tenths = Math.floor(Math.max(0, second) * 10 + 1e-6);
    const text = `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}`;
    return step < 1 ? `${text}.${tenths % 10}` : text;
  };
  const pitchName = (pitch) => `${PITCH_CLASSES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

  class Lanes {
    constructor(root) {
      this.root = root;
      this.notes = root.querySelector(".mtp-notes");
      this.activity = root.querySelector(".mtp-activity");
      this.pitches = root.querySelector(".mtp-pitches");
      this.song = null;
      this.start = 0; // second at the left edge
      this.scale = LEAST_SCALE; // pixels a second
      this.colours = {};
      this.pictures = {}; // of the rolls, in the colours of the theme
    }

    get gutter() {
      return this.notes.clientWidth < 520 ? 84 : 116;
    }

    get width() {
      return Math.max(1, this.notes.clientWidth - this.gutter);
    }

    get leastScale() {
      return this.width / this.song.duration;
    }

    show(song, keepView) {
      this.song = song;
      this.repaint();
      if (!keepView) {
        this.scale = Math.max(this.leastScale, LEAST_SCALE);
        this.start = 0;
      }
      this.moveTo(this.start);
    }

    // After a change of the theme or of the song: take the colours from the style sheet and colour the rolls anew.
    repaint() {
      const style = getComputedStyle(this.root);
      for (const name of ["ink", "quiet", "line", "card", "soft", "accent"]) {
        this.colours[name] = style.getPropertyValue(`--mt-${name}`).trim();
      }
      this.isDark = this.root.closest(".dark") !== null;
      if (!this.song) return;
      const { activity, pitches, instruments } = this.song;
      const rowColours = instruments.map((one) => rgb(this.colourOf(one)));
      this.pictures.activity = picture(activity, (row) => rowColours[row]);
      const accent = rgb(this.colours.accent);
      this.pictures.pitches = picture(pitches, (row) => accent, true);
    }

    colourOf(instrument) {
      return this.isDark ? instrument.dark : instrument.light;
    }

    // Enlarge or shrink around a second that stays where it is.
    zoom(factor, around) {
      const x = (around - this.start) * this.scale;
      const inside = x >= 0 && x <= this.width;
      this.scale = Math.max(Math.min(this.leastScale, MOST_SCALE), Math.min(MOST_SCALE, this.scale * factor));
      this.moveTo(around - (inside ? x : this.width / 2) / this.scale);
    }

    moveTo(start) {
      this.scale = Math.max(this.scale, this.leastScale);
      this.start = Math.max(0, Math.min(this.song.duration - this.width / this.scale, start));
    }

    // Turn the page when the playhead nears the right edge.
    follow(position) {
      const x = (position - this.start) * this.scale;
      if (x < 0 || x > this.width * 0.9) this.moveTo(position - (0.1 * this.width) / this.scale);
    }

    secondAt(clientX) {
      const left = this.notes.getBoundingClientRect().left + this.gutter;
      return Math.max(0, Math.min(this.song.duration, this.start + (clientX - left) / this.scale));
    }

    // The note under a point of the notes' canvas, the part first that is heard.
    noteAt(clientX, clientY, isHeard) {
      const box = this.notes.getBoundingClientRect();
      const second = this.start + (clientX - box.left - this.gutter) / this.scale;
      const slack = 3 / this.scale;
      let found = null;
      for (const instrument of this.song.instruments) {
        for (const note of instrument.notes) {
          if (note.onset - slack > second) break;
          if (note.offset + slack < second) continue;
          const [top, height] = this.noteRow(note, box.height);
          if (clientY - box.top < top - 2 || clientY - box.top > top + height + 2) continue;
          if (!found || isHeard(instrument.name)) found = { instrument, note };
        }
      }
      return found;
    }

    noteRow(note, height) {
      const row = (height - RULER) / (this.song.high - this.song.low + 1);
      const share = (row * 0.88) / note.shares;
      const bottom = height - (note.pitch - this.song.low) * row - row * 0.06;
      return [bottom - (note.share + 1) * share, share];
    }

    draw(position, isHeard, isPlaying) {
      if (!this.song || this.notes.clientWidth === 0) return;
      this.drawNotes(position, isHeard, isPlaying);
      this.drawRoll(this.activity, this.pictures.activity, position, (g, height) => {
        const row = height / this.song.instruments.length;
        this.song.instruments.forEach((instrument, index) => {
          g.fillStyle = this.colourOf(instrument);
          g.fillRect(this.gutter - 10, index * row + row * 0.18, 5, row * 0.64);
          g.fillStyle = this.colours.ink;
          g.textAlign = "right";
          g.fillText(this.gutter < 100 ? instrument.short : instrument.label, this.gutter - 16, (index + 0.5) * row);
          g.fillStyle = this.colours.card;
          if (index) g.fillRect(this.gutter, index * row - 1, this.width, 2);
        });
      });
      this.drawRoll(this.pitches, this.pictures.pitches, position, (g, height) => {
        const { lowest, rows } = this.song.pitches;
        this.pitchNames(g, lowest, lowest + rows - 1, height, 0);
      });
    }

    drawNotes(position, isHeard, isPlaying) {
      const { context: g, width: fullWidth, height } = this.sheet(this.notes);
      const { low, high } = this.song;
      const row = (height - RULER) / (high - low + 1);
      const x = (second) => this.gutter + (second - this.start) * this.scale;
      g.fillStyle = this.colours.soft;
      for (let pitch = low; pitch <= high; pitch++) {
        if (BLACK_KEYS.has(pitch % 12)) g.fillRect(this.gutter, height - (pitch - low + 1) * row, this.width, row);
      }
      g.fillStyle = this.colours.line;
      for (let pitch = low; pitch <= high; pitch++) {
        if (pitch % 12 === 0) g.fillRect(this.gutter, height - (pitch - low) * row - 0.5, this.width, 1);
      }
      this.ruler(g, height, x);

      const keys = new Map(); // pitch -> colour of who plays it now
      const end = this.start + this.width / this.scale;
      g.save();
      g.beginPath();
      g.rect(this.gutter, 0, this.width, height);
      g.clip();
      const heardLast = [...this.song.instruments].sort((a, b) => isHeard(a.name) - isHeard(b.name));
      for (const instrument of heardLast) {
        const heard = isHeard(instrument.name);
        const colour = this.colourOf(instrument);
        for (const note of instrument.notes) {
          if (note.onset > end) break;
          if (note.offset < this.start) continue;
          const sounds = note.onset <= position && position < note.offset && (isPlaying || position > 0);
          const [top, thickness] = this.noteRow(note, height);
          const left = x(note.onset);
          const length = Math.max(2, (note.offset - note.onset) * this.scale - 1);
          g.globalAlpha = heard ? (sounds ? 1 : 0.82) : 0.13;
          g.fillStyle = colour;
          bar(g, left, top, length, Math.max(2, thickness));
          if (sounds && heard) {
            keys.set(note.pitch, colour);
            g.globalAlpha = 1;
            g.shadowColor = colour;
            g.shadowBlur = 12;
            bar(g, left, top, length, Math.max(2, thickness));
            g.shadowBlur = 0;
            g.globalAlpha = this.isDark ? 0.55 : 0.35; // lighter on black, darker on white
            g.fillStyle = this.colours.ink;
            bar(g, left, top, length, Math.max(2, thickness));
          }
        }
      }
      g.restore();
      g.globalAlpha = 1;
      this.keyboard(g, height, row, keys);
      this.playhead(g, position, height, fullWidth, true);
    }

    drawRoll(canvas, image, position, decorate) {
      const { context: g, width: fullWidth, height } = this.sheet(canvas);
      const columns = image.width / this.song.rollEnd; // a second
      const seconds = this.width / this.scale;
      g.imageSmoothingEnabled = false;
      g.drawImage(image, this.start * columns, 0, seconds * columns, image.height, this.gutter, 0, this.width, height);
      g.font = this.font;
      g.textBaseline = "middle";
      decorate(g, height);
      this.playhead(g, position, height, fullWidth, false);
    }

    keyboard(g, height, row, keys) {
      const { low, high } = this.song;
      const left = this.gutter - 30;
      for (let pitch = low; pitch <= high; pitch++) {
        const top = height - (pitch - low + 1) * row;
        const isBlack = BLACK_KEYS.has(pitch % 12);
        g.fillStyle = keys.get(pitch) ?? (isBlack ? (this.isDark ? "#0b0d11" : "#39414f") : this.isDark ? "#c9cfdb" : "#ffffff");
        g.fillRect(left, top, isBlack && !keys.has(pitch) ? 18 : 26, row - 0.5);
      }
      g.strokeStyle = this.colours.line;
      g.strokeRect(left - 0.5, RULER + 0.5, 27, height - RULER - 1);
      this.pitchNames(g, low, high, height, RULER, 36);
    }

    pitchNames(g, low, high, height, top, inset = 8) {
      const row = (height - top) / (high - low + 1);
      g.font = this.font;
      g.fillStyle = this.colours.quiet;
      g.textAlign = "right";
      g.textBaseline = "middle";
      const wanted = row * 12 < 40 ? 24 : 12;
      for (let pitch = low; pitch <= high; pitch++) {
        const y = height - (pitch - low + 0.5) * row;
        const marked = pitch % wanted === 0 || (row > 11 && [0, 4, 7].includes(pitch % 12));
        if (marked && y > top + 5 && y < height - 4) g.fillText(pitchName(pitch), this.gutter - inset, y);
      }
    }

    ruler(g, height, x) {
      const step = STEPS_S.find((one) => one * this.scale >= 64) ?? STEPS_S.at(-1);
      g.font = this.font;
      g.textAlign = "left";
      g.textBaseline = "middle";
      const last = Math.min(this.song.duration, this.start + this.width / this.scale);
      for (let k = Math.ceil(this.start / step); k * step <= last; k++) {
        g.fillStyle = this.colours.line;
        g.fillRect(x(k * step), 4, 1, height - 4);
        g.fillStyle = this.colours.quiet;
        const text = clock(k * step, step);
        if (x(k * step) + g.measureText(text).width + 6 < this.gutter + this.width) {
          g.fillText(text, x(k * step) + 5, RULER / 2);
        }
      }
    }

    playhead(g, position, height, fullWidth, hasHandle) {
      const x = this.gutter + (position - this.start) * this.scale;
      if (x < this.gutter - 0.5 || x > fullWidth + 0.5) return;
      g.fillStyle = this.colours.ink;
      g.fillRect(x - 1, 0, 2, height);
      if (!hasHandle) return;
      g.beginPath();
      g.moveTo(x - 6, 0);
      g.lineTo(x + 6, 0);
      g.lineTo(x, 9);
      g.fill();
    }

    // The canvas cleared, in CSS pixels whatever the screen's are.
    sheet(canvas) {
      const ratio = window.devicePixelRatio || 1;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      return { context, width, height };
    }

    get font() {
      return "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    }
  }

  function bar(g, left, top, length, thickness) {
    g.beginPath();
    g.roundRect(left, top, length, thickness, Math.min(3, thickness / 2, length / 2));
    g.fill();
  }

  // A roll as a picture of one pixel a frame (or the strongest of a few) and row, as strong as its probabilities.
  function picture({ rows, columns, values }, colourOf, lowestBelow = false) {
    const width = Math.max(1, Math.min(columns, MAX_COLUMNS));
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = rows;
    const pixels = new ImageData(width, rows);
    for (let row = 0; row < rows; row++) {
      const [red, green, blue] = colourOf(row);
      const y = lowestBelow ? rows - 1 - row : row;
      for (let column = 0; column < columns; column++) {
        const x = Math.floor((column * width) / columns);
        const k = 4 * (y * width + x);
        pixels.data[k] = red;
        pixels.data[k + 1] = green;
        pixels.data[k + 2] = blue;
        pixels.data[k + 3] = Math.max(pixels.data[k + 3], values[row * columns + column]);
      }
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }

  window.mtinst = { ...window.mtinst, Lanes, clock, pitchName };
})();
