// The player's controls: reads the song that the page names, and joins the mixer, the lanes and the buttons.
(() => {
  const { Mixer, Lanes, clock, pitchName } = window.mtinst;
  const DRAG_PX = 5; // less is a click

  class Player {
    constructor(element) {
      this.element = element;
      this.mixer = new Mixer();
      this.lanes = new Lanes(element);
      this.song = null;
      this.value = null;
      this.follows = true;
      element.querySelector(".mtp").mtinstPlayer = this; // for whoever looks at the page from outside, as tests do
      const find = (name) => element.querySelector(`.mtp-${name}`);
      this.find = find;
      this.isHeard = (name) => this.mixer.isHeard(name);

      find("play").addEventListener("click", () => this.toggle());
      find("position").addEventListener("input", (event) => this.seek((event.target.value / 1000) * this.song.duration));
      find("fade").addEventListener("input", (event) => this.setFade(event.target.value / 100));
      find("hear-original").addEventListener("click", () => this.setFade(0));
      find("hear-notes").addEventListener("click", () => this.setFade(1));
      find("larger").addEventListener("click", () => this.zoom(1.6));
      find("smaller").addEventListener("click", () => this.zoom(1 / 1.6));
      find("whole").addEventListener("click", () => this.zoom(0));
      for (const canvas of element.querySelectorAll("canvas")) this.listenTo(canvas);
      element.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.song && (this.lanes.moveTo(this.lanes.start), this.draw())).observe(element);
      new MutationObserver(() => this.repaint()).observe(document.body, { attributeFilter: ["class"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    }

    // What the page wants to have shown: {song, files: {original, parts} or null, title, source}.
    async show(value) {
      this.value = value;
      if (!value) return this.empty();
      try {
        if (value.song !== this.shownSong) {
          const response = await fetch(value.song);
          if (!response.ok) throw new Error(`${response.status} for ${value.song}`);
          const song = unpack(await response.json());
          if (this.value !== value) return;
          const isSameSource = value.source === this.shownSource;
          if (!isSameSource) this.mixer.clear();
          this.shownSong = value.song;
          this.shownSource = value.source;
          this.shownFiles = null;
          this.song = song;
          this.element.querySelector(".mtp").dataset.state = "silent";
          this.lanes.show(song, isSameSource);
          this.follows = true;
          this.rows();
          if (!isSameSource) document.getElementById("mt-summary")?.scrollIntoView({ behavior: "smooth" });
        }
        if (!value.files) {
          this.say("The parts are being played …");
        } else if (JSON.stringify(value.files) !== this.shownFiles) {
          this.say("Loading the parts …");
          if (!(await this.mixer.load(value.files.original, value.files.parts, this.song.duration))) return;
          this.shownFiles = JSON.stringify(value.files);
          this.say("");
        }
      } catch (error) {
        if (this.value === value) this.say("The song could not be loaded; transcribe it once more.");
        console.warn(error);
      }
      this.update();
    }

    empty() {
      this.mixer.clear();
      this.song = this.shownSong = this.shownFiles = this.shownSource = null;
      this.element.querySelector(".mtp").dataset.state = "empty";
    }

    say(sentence) {
      this.find("message").textContent = sentence;
      this.find("message").hidden = !sentence;
    }

    toggle() {
      if (!this.mixer.isReady) return;
      if (this.mixer.playing) this.mixer.pause();
      else this.mixer.play();
      this.follows = true;
      this.update();
      this.tick();
    }

    seek(position) {
      if (!this.song) return;
      this.mixer.seek(Math.max(0, Math.min(this.song.duration, position)));
      this.follows = true;
      this.lanes.follow(this.mixer.position);
      this.update();
    }

    setFade(fade) {
      this.mixer.setFade(fade);
      this.update();
    }

    // A factor of 0 shows the whole song.
    zoom(factor) {
      if (!this.song) return;
      if (factor) this.lanes.zoom(factor, this.mixer.position);
      else this.lanes.zoom(1e-9, 0);
      this.draw();
    }

    tick() {
      cancelAnimationFrame(this.frame);
      if (!this.mixer.playing) return;
      const position = this.mixer.position;
      if (position >= this.song.duration) {
        this.mixer.pause();
        this.update();
        return;
      }
      if (this.follows) this.lanes.follow(position);
      this.draw();
      this.frame = requestAnimationFrame(() => this.tick());
    }

    // Everything that shows the state.
    update() {
      const { mixer } = this;
      const play = this.find("play");
      play.disabled = !mixer.isReady;
      play.setAttribute("aria-label", mixer.playing ? "Pause" : "Play");
      play.classList.toggle("is-playing", mixer.playing);
      setSlider(this.find("fade"), 100 * mixer.fade);
      this.find("hear-original").setAttribute("aria-pressed", mixer.fade === 0);
      this.find("hear-notes").setAttribute("aria-pressed", mixer.fade === 1);
      for (const row of this.element.querySelectorAll(".mtp-row")) {
        const part = mixer.parts.get(row.dataset.part);
        row.querySelector(".mtp-solo").setAttribute("aria-pressed", part?.soloed ?? false);
        row.querySelector(".mtp-mute").setAttribute("aria-pressed", part?.muted ?? false);
        row.classList.toggle("is-silent", !mixer.isHeard(row.dataset.part));
        for (const control of row.querySelectorAll("button, input")) control.disabled = !mixer.isReady;
      }
      this.draw();
    }

    draw() {
      if (!this.song) return;
      const position = this.mixer.position;
      const { duration } = this.song;
      this.find("time").textContent = `${clock(position)} / ${clock(Math.round(duration))}`;
      const slider = this.find("position");
      setSlider(slider, duration ? (1000 * position) / duration : 0);
      slider.setAttribute("aria-valuetext", `${clock(position)} of ${clock(Math.round(duration))}`);
      this.lanes.draw(position, this.isHeard, this.mixer.playing);
      for (const row of this.element.querySelectorAll(".mtp-row")) {
        const notes = this.song.byName.get(row.dataset.part).notes;
        const sounds = this.mixer.playing && notes.some((one) => one.onset <= position && position < one.offset);
        row.classList.toggle("is-sounding", sounds);
      }
    }

    repaint() {
      this.lanes.repaint();
      this.draw();
    }

    // One row of the mixer for each instrument that has notes.
    rows() {
      const list = this.find("rows");
      list.replaceChildren(
        ...this.song.instruments
          .filter((one) => one.notes.length)
          .map((instrument) => {
            const row = this.find("row-template").content.firstElementChild.cloneNode(true);
            const { name, label, notes } = instrument;
            row.dataset.part = name;
            row.style.setProperty("--mt-on-light", instrument.light);
            row.style.setProperty("--mt-on-dark", instrument.dark);
            row.querySelector("b").textContent = label;
            row.querySelector("small").textContent = notes.length === 1 ? "1 note" : `${notes.length} notes`;
            const solo = row.querySelector(".mtp-solo");
            const mute = row.querySelector(".mtp-mute");
            const volume = row.querySelector("input");
            solo.setAttribute("aria-label", `Solo ${label}`);
            mute.setAttribute("aria-label", `Mute ${label}`);
            volume.setAttribute("aria-label", `Volume of ${label}`);
            setSlider(volume, 100 * (this.mixer.parts.get(name)?.volume ?? 0.9));
            const change = (changes) => (this.mixer.set(name, changes), this.update());
            solo.addEventListener("click", () => change({ soloed: !this.mixer.parts.get(name)?.soloed }));
            mute.addEventListener("click", () => change({ muted: !this.mixer.parts.get(name)?.muted }));
            volume.addEventListener("input", () => {
              setSlider(volume, volume.value);
              change({ volume: volume.value / 100 });
            });
            return row;
          }),
      );
    }

    // A click goes there, a drag moves the picture, a wheel with Ctrl enlarges it, and a pointer names the note below.
    listenTo(canvas) {
      let drag = null;
      canvas.addEventListener("pointerdown", (event) => {
        if (!this.song || event.button !== 0) return;
        drag = { x: event.clientX, start: this.lanes.start, moved: false };
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!this.song) return;
        if (drag && (drag.moved || Math.abs(event.clientX - drag.x) > DRAG_PX)) {
          if (!drag.moved) canvas.setPointerCapture(event.pointerId);
          drag.moved = true;
          this.follows = false;
          this.lanes.moveTo(drag.start - (event.clientX - drag.x) / this.lanes.scale);
          this.draw();
        } else if (canvas === this.lanes.notes) {
          this.point(event);
        }
      });
      canvas.addEventListener("pointerup", (event) => {
        if (drag && !drag.moved) this.seek(this.lanes.secondAt(event.clientX));
        drag = null;
      });
      canvas.addEventListener("pointercancel", () => (drag = null));
      canvas.addEventListener("pointerleave", () => (this.find("tip").hidden = true));
      canvas.addEventListener(
        "wheel",
        (event) => {
          if (!this.song) return;
          if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            this.lanes.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.lanes.secondAt(event.clientX));
          } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
            event.preventDefault();
            this.follows = false;
            this.lanes.moveTo(this.lanes.start + (event.deltaX || event.deltaY) / this.lanes.scale);
          } else {
            return; // scrolls the page
          }
          this.draw();
        },
        { passive: false },
      );
    }

    point(event) {
      const tip = this.find("tip");
      const found = this.lanes.noteAt(event.clientX, event.clientY, this.isHeard);
      tip.hidden = !found;
      if (!found) return;
      const { instrument, note } = found;
      tip.textContent = `${instrument.label} · ${pitchName(note.pitch)} · ${clock(note.onset, 0.1)}`;
      const box = tip.parentElement.getBoundingClientRect();
      const x = Math.min(event.clientX - box.left + 12, box.width - tip.offsetWidth - 4);
      tip.style.transform = `translate(${x}px, ${event.clientY - box.top - 34}px)`;
    }

    key(event) {
      if (!this.song || event.target.closest("input, button")) return;
      const step = event.shiftKey ? 10 : 2;
      const moves = { ArrowLeft: -step, ArrowRight: step };
      if (event.key === " ") this.toggle();
      else if (event.key in moves) this.seek(this.mixer.position + moves[event.key]);
      else if (event.key === "+") this.zoom(1.6);
      else if (event.key === "-") this.zoom(1 / 1.6);
      else return;
      event.preventDefault();
    }
  }

  // Move a slider, and colour its track up to there.
  function setSlider(slider, value) {
    slider.value = value;
    slider.style.setProperty("--mt-fill", `${(100 * value) / slider.max}%`);
  }

  // The song's file with its rolls as bytes and its notes as records.
  function unpack(song) {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    for (const name of ["activity", "pitches"]) {
      song[name].values = bytes(song[name].values);
      song[name].columns = song[name].values.length / song[name].rows;
    }
    for (const instrument of song.instruments) {
      instrument.notes = instrument.notes.map(([onset, offset, pitch, share, shares]) => ({
        onset,
        offset,
        pitch,
        share,
        shares,
      }));
    }
    song.byName = new Map(song.instruments.map((one) => [one.name, one]));
    song.rollEnd = song.activity.columns / song.frame_rate;
    return song;
  }

  window.mtinst = { ...window.mtinst, Player };
})();
