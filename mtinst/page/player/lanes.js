// All pictures of a song along one time axis: the roll, who plays when, and which pitches sound, under one playhead.
(() => {
  const { TimeAxis, Palette, Sheet, RollImage, Roll, drawPitchNames } = window.mtinst;

  class Lanes extends TimeAxis {
    constructor(root) {
      super();
      this.root = root;
      this.palette = new Palette(root);
      this.roll = new Roll(root, this, this.palette);
      this.activity = new Sheet(root.querySelector(".mtp-activity"));
      this.pitches = new Sheet(root.querySelector(".mtp-pitches"));
      this.playheads = [...root.querySelectorAll(".mtp-playhead")];
      this.names = root.querySelector(".mtp-names");
      this.song = null;
      this.images = {};
      this.isOutdated = true;
      this.sounding = "";
    }

    get isDark() {
      return this.palette.isDark;
    }

    show(song, keepView) {
      this.song = song;
      this.roll.image = null;
      this.repaint();
      this.measure();
      if (!keepView) return this.reset(song.duration);
      this.duration = song.duration;
      this.moveTo(this.start);
    }

    // Read the sizes from the page, which must not be done while drawing.
    measure() {
      this.roll.measure();
      this.activity.measure();
      this.pitches.measure();
      this.fullWidth = this.roll.still.width;
      this.root.style.setProperty("--mt-gutter", `${this.gutter}px`);
      if (this.song) this.moveTo(this.start);
      this.isOutdated = true;
    }

    // After a change of the theme or of the song: take the colours from the style sheet and colour the rolls anew.
    repaint() {
      const { palette } = this;
      palette.refresh();
      this.isOutdated = true;
      if (!this.song) return;
      const { activity, pitches, instruments } = this.song;
      const colourOf = (row) => palette.of(instruments[row]);
      this.images.activity = new RollImage({ ...activity, planes: [{ values: activity.values, colourOf }] });
      const planes = [{ values: pitches.values, colourOf: () => palette.accent }];
      this.images.pitches = new RollImage({ ...pitches, planes, lowestBelow: true });
    }

    // Draw what has changed since the last time.
    draw(position, look, isPlaying) {
      if (!this.song || this.fullWidth === 0) return;
      const view = `${this.start} ${this.scale}`;
      if (this.isOutdated || view !== this.drawnView) {
        this.roll.paint(this.song, look);
        this.paintActivity(look);
        this.paintPitches();
        this.drawnView = view;
        this.sounding = null;
        this.isOutdated = false;
      }
      const notes = isPlaying || position > 0 ? this.song.notes.at(position) : [];
      const sounding = notes.map((one) => `${one.instrument.index}:${one.pitch}:${one.onset}`).join(" ");
      if (sounding !== this.sounding) {
        this.roll.paintSounding(this.song, look, notes);
        this.sounding = sounding;
      }
      const x = this.x(position);
      const isInSight = x >= this.gutter - 0.5 && x <= this.fullWidth + 0.5;
      for (const playhead of this.playheads) {
        playhead.style.transform = `translateX(${x}px)`;
        playhead.style.visibility = isInSight ? "visible" : "hidden";
      }
      return notes;
    }

    paintActivity({ spotlight }) {
      const g = this.activity.clean();
      const { instruments, frameRate } = this.song;
      const row = this.activity.height / instruments.length;
      g.fillStyle = this.palette.soft;
      g.fillRect(this.gutter, 0, this.width, this.activity.height);
      this.images.activity.draw(g, this, frameRate, 0, this.activity.height);
      g.fillStyle = this.palette.card;
      instruments.forEach((instrument, index) => {
        g.globalAlpha = 1;
        if (index) g.fillRect(this.gutter, index * row - 1, this.width, 2);
        g.globalAlpha = 0.72;
        if (spotlight && spotlight !== instrument.name) g.fillRect(this.gutter, index * row, this.width, row);
      });
      g.globalAlpha = 1;
    }

    paintPitches() {
      const g = this.pitches.clean();
      const { lowest, rows } = this.song.pitches;
      const height = this.pitches.height;
      this.images.pitches.draw(g, this, this.song.frameRate, 0, height);
      const place = { low: lowest, high: lowest + rows - 1, top: 0, height, row: height / rows };
      drawPitchNames(g, this.palette, place, this.gutter - 5);
    }

    // The instrument of a lane, by its height in that picture.
    instrumentAt(y) {
      const { instruments } = this.song;
      const row = Math.floor((y / this.activity.height) * instruments.length);
      return instruments[Math.max(0, Math.min(instruments.length - 1, row))];
    }
  }

  window.mtinst = { ...window.mtinst, Lanes };
})();
