// The player: shows the song that the page names, and joins the mixer, the pictures and the controls.
(() => {
  const { Mixer, Lanes, Strips, Gestures, clock, listenToKeys, loadProbabilities, setSlider, unpackSong } = window.mtinst;
  const NEW_LOOP_S = 4; // when nothing was marked
  const NO_OUTPUT = "The sound could not be started: check this device's audio output, then press Play again.";

  class Player {
    constructor(element) {
      this.root = element.querySelector(".mtp");
      this.find = (name) => this.root.querySelector(`.mtp-${name}`);
      this.mixer = new Mixer(this.root.dataset.instruments.split(" "), () => (this.say(NO_OUTPUT), this.update()));
      this.lanes = new Lanes(this.root);
      this.song = null;
      this.value = null;
      this.asked = null; // the value as text
      this.shownSong = this.shownSource = this.shownFiles = null; // of the value before
      this.probabilities = null; // {url, planes}, once they were wanted
      this.wantsProbabilities = false;
      this.preview = null; // a loop while it is dragged
      this.follows = true;
      this.isHeard = (name) => this.mixer.isHeard(name);
      // What the pictures need to know beside the song.
      this.look = {
        isHeard: this.isHeard,
        spotlight: null, // the one instrument that is in the light, by name
        loop: null,
        loops: false,
        probabilities: null,
        compares: false,
      };
      this.strips = new Strips(this.find("rows"), this.find("row-template"), (name, changes) => {
        this.mixer.set(name, changes);
        this.update();
      });
      this.gestures = new Gestures(this);
      this.root.mtinstPlayer = this; // for whoever looks at the page from outside, as tests do
      this.listen();
      listenToKeys(this);
    }

    listen() {
      const { find } = this;
      const onClick = (name, act) => find(name).addEventListener("click", act);
      onClick("play", () => this.toggle());
      onClick("hear-original", () => this.setFade(0));
      onClick("hear-notes", () => this.setFade(1));
      onClick("larger", () => this.zoom(1.6));
      onClick("smaller", () => this.zoom(1 / 1.6));
      onClick("whole", () => this.zoom(0));
      onClick("follow", () => this.setFollow(!this.follows));
      onClick("loop", () => this.toggleLoop());
      onClick("loop-start", () => this.markLoop("start"));
      onClick("loop-end", () => this.markLoop("end"));
      onClick("normal-speed", () => this.setSpeed(1));
      onClick("show-probabilities", () => this.toggleProbabilities());
      onClick("compare", () => this.toggleComparison());
      find("position").addEventListener("input", ({ target }) => this.seek((target.value / 1000) * this.song.duration));
      find("fade").addEventListener("input", ({ target }) => this.setFade(target.value / 100));
      find("speed").addEventListener("input", ({ target }) => this.setSpeed(target.value / 100));
      find("names").addEventListener("click", ({ target }) => {
        const name = target.closest("button")?.dataset.part;
        if (name) this.setSpotlight(name);
      });
      new ResizeObserver(() => (this.lanes.measure(), this.draw())).observe(this.root);
      new MutationObserver(() => this.repaint()).observe(document.body, { attributeFilter: ["class"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    }

    get isOnPage() {
      return this.root.isConnected;
    }

    // What the page wants to have shown: {song, files: {original, parts} or null, source, probabilities, partial}.
    async show(value) {
      const asked = JSON.stringify(value);
      if (asked === this.asked) return; // on show, or on its way
      this.asked = asked;
      this.value = value;
      if (!value) return this.empty();
      try {
        if (value.song !== this.shownSong) await this.showSong(value);
        if (this.value !== value) return;
        if (value.partial) this.say("The rest of the song is still being listened to …");
        else if (!value.files) this.say("The parts are being played …");
        else if (JSON.stringify(value.files) !== this.shownFiles) await this.loadFiles(value);
      } catch (error) {
        if (this.value === value) {
          this.asked = null;
          this.say("The song could not be loaded; transcribe it once more.");
        }
        console.warn(error);
      }
      this.update();
    }

    async showSong(value) {
      const response = await fetch(value.song);
      if (!response.ok) throw new Error(`${response.status} for ${value.song}`);
      const song = unpackSong(await response.json());
      if (this.value !== value) return;
      const isSameSource = value.source === this.shownSource;
      if (!isSameSource) this.forget();
      else this.mixer.outdate();
      this.mixer.duration = song.duration; // places can be marked before there is sound
      this.shownSong = value.song;
      this.shownSource = value.source;
      this.shownFiles = null;
      this.song = song;
      this.root.dataset.state = "shown";
      this.find("compare").hidden = !song.reference;
      if (!song.reference) this.look.compares = false;
      if (!this.find("names").childElementCount) this.nameLanes(); // the same in every song
      this.lanes.show(song, isSameSource);
      this.strips.show(song.instruments, this.mixer.settings);
      this.update();
      await this.refreshProbabilities();
      if (!isSameSource) document.getElementById("mt-summary")?.scrollIntoView();
    }

    async loadFiles(value) {
      this.say("Loading the parts …");
      const { original, parts } = value.files;
      const say = (done, total) => this.value === value && this.say(`Loading the parts: ${done} of ${total} …`);
      if (!(await this.mixer.load(original, parts, this.song.duration, say))) return;
      this.shownFiles = JSON.stringify(value.files);
      this.say("");
    }

    empty() {
      this.forget();
      this.song = this.shownSong = this.shownFiles = this.shownSource = null;
      this.root.dataset.state = "empty";
    }

    // What belongs to one song and not to the next.
    forget() {
      this.mixer.clear();
      Object.assign(this.look, { spotlight: null, probabilities: null, compares: false });
      this.lanes.song = null;
      this.lanes.images = {};
      this.follows = true;
    }

    say(sentence) {
      this.find("message").textContent = sentence;
      this.find("message").hidden = !sentence;
    }

    toggle() {
      if (!this.mixer.isReady) return;
      if (this.find("message").textContent === NO_OUTPUT) this.say("");
      if (this.mixer.playing) this.mixer.pause();
      else this.mixer.play();
      this.lanes.reveal(this.mixer.position);
      this.update();
      this.tick();
    }

    seek(position) {
      if (!this.song) return;
      this.mixer.seek(Math.max(0, Math.min(this.song.duration, position)));
      this.lanes.reveal(this.mixer.position);
      this.draw();
    }

    setFade(fade) {
      this.mixer.setFade(fade);
      this.update();
    }

    setSpeed(speed) {
      this.mixer.setSpeed(Math.round(speed * 100) / 100);
      this.update();
    }

    setFollow(follows) {
      if (this.follows === follows) return;
      this.follows = follows;
      this.update();
    }

    setLoop(region, loops) {
      this.mixer.setLoop(region, loops);
      this.update();
    }

    // A loop that is being dragged is drawn, but not yet gone round.
    previewLoop(region) {
      this.preview = region;
      this.update();
    }

    toggleLoop() {
      if (!this.song) return;
      const { loop, loops, position } = this.mixer;
      const start = Math.max(0, Math.min(position, this.song.duration - NEW_LOOP_S));
      this.setLoop(loop ?? { start, end: start + NEW_LOOP_S }, !loops);
    }

    // Let the loop start, or end, where the song is now.
    markLoop(edge) {
      if (!this.song) return;
      const { loop, position } = this.mixer;
      const { duration } = this.song;
      const region = { ...(loop ?? { start: 0, end: duration }), [edge]: position };
      if (edge === "start" && region.start >= region.end) region.end = duration;
      if (edge === "end" && region.start >= region.end) region.start = 0;
      // At one of the song's ends there is nothing to go round.
      this.setLoop(region.end > 0 && region.start < duration ? region : { start: 0, end: duration }, true);
    }

    toggleInstrument(index, what) {
      const { name } = this.song.instruments[index];
      const part = this.mixer.parts.get(name);
      if (!part) return;
      this.mixer.set(name, { [what]: !part[what] });
      this.update();
    }

    // Put one instrument into the light; the same again, or null, puts all of them back.
    setSpotlight(name) {
      this.look.spotlight = name === this.look.spotlight ? null : name;
      this.update();
    }

    toggleComparison() {
      this.look.compares = !this.look.compares;
      this.update();
    }

    async toggleProbabilities() {
      this.wantsProbabilities = !this.wantsProbabilities;
      await this.refreshProbabilities();
      this.update();
    }

    // Fetch the probabilities when they are to be seen, and only then.
    async refreshProbabilities() {
      const url = this.value?.probabilities ?? null;
      this.find("show-probabilities").hidden = !url || !window.DecompressionStream;
      const { song } = this;
      if (url && this.wantsProbabilities && this.probabilities?.url !== url) {
        try {
          const planes = await loadProbabilities(url, song);
          if (song !== this.song) return; // the song on show asks for its own
          this.probabilities = { url, planes };
        } catch (error) {
          if (song !== this.song) return;
          this.wantsProbabilities = false;
          this.say("The probabilities could not be loaded.");
          console.warn(error);
        }
      }
      const fits = this.probabilities?.url === url && url !== null;
      if (!fits) this.probabilities = null;
      this.look.probabilities = fits && this.wantsProbabilities ? this.probabilities.planes : null;
    }

    // A factor of 0 shows the whole song.
    zoom(factor) {
      if (!this.song) return;
      this.lanes.zoom(factor || 1e-9, this.mixer.position);
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
      if (this.follows) this.lanes.reveal(position);
      this.draw();
      this.frame = requestAnimationFrame(() => this.tick());
    }

    // Everything that shows the state; `draw` alone when only the time or the view has changed.
    update() {
      const { mixer, find, look } = this;
      const press = (name, isOn) => find(name).setAttribute("aria-pressed", isOn);
      find("play").disabled = find("loop").disabled = !mixer.isReady;
      find("play").setAttribute("aria-label", mixer.playing ? "Pause" : "Play");
      find("play").classList.toggle("is-playing", mixer.playing);
      setSlider(find("fade"), 100 * mixer.heardFade);
      press("hear-original", mixer.heardFade === 0);
      press("hear-notes", mixer.heardFade === 1);
      setSlider(find("speed"), 100 * mixer.speed);
      find("speed").setAttribute("aria-valuetext", `${Math.round(100 * mixer.speed)} %`);
      find("normal-speed").textContent = `${mixer.speed.toFixed(2)}×`;
      press("follow", this.follows);
      press("loop", mixer.loops);
      press("show-probabilities", look.probabilities !== null);
      press("compare", look.compares);
      find("legend").hidden = !look.compares;
      look.loop = this.preview ?? mixer.loop;
      look.loops = this.preview ? true : mixer.loops;
      for (const button of find("names").children) button.ariaPressed = String(look.spotlight === button.dataset.part);
      this.find("names").classList.toggle("has-spotlight", look.spotlight !== null);
      this.sayScores();
      this.strips.update(mixer);
      this.lanes.isOutdated = true;
      this.draw();
    }

    sayScores() {
      if (!this.look.compares) return;
      const percent = (share) => `${Math.round(100 * share)} %`;
      const { precision, recall, note_f1, note_instrument_f1 } = this.song.reference.scores;
      this.find("scores").textContent =
        `With the right instrument, ${percent(recall)} of the right notes were found, and ${percent(precision)} of the ` +
        `notes found are right (F1 ${percent(note_instrument_f1)}); whoever plays them, F1 ${percent(note_f1)}.`;
    }

    draw() {
      if (!this.song) return;
      const { mixer, song } = this;
      const position = mixer.position;
      const text = `${clock(position, 1)} / ${clock(Math.round(song.duration))}`;
      if (text !== this.drawnTime) {
        this.drawnTime = this.find("time").textContent = text;
        const slider = this.find("position");
        setSlider(slider, song.duration ? (1000 * position) / song.duration : 0);
        slider.setAttribute("aria-valuetext", `${clock(position)} of ${clock(Math.round(song.duration))}`);
      }
      const sounding = this.lanes.draw(position, this.look, mixer.playing);
      this.strips.light(mixer, sounding ?? []);
    }

    repaint() {
      this.lanes.repaint();
      this.draw();
    }

    // A button for each lane of the activity, beside it.
    nameLanes() {
      const buttons = this.song.instruments.map((instrument) => {
        const button = this.find("name-template").content.firstElementChild.cloneNode(true);
        button.dataset.part = instrument.name;
        button.style.setProperty("--mt-on-light", instrument.light);
        button.style.setProperty("--mt-on-dark", instrument.dark);
        button.setAttribute("aria-label", `Spotlight ${instrument.label}`);
        const [long, short] = button.querySelectorAll("span");
        long.textContent = instrument.label;
        short.textContent = instrument.short;
        return button;
      });
      this.find("names").replaceChildren(...buttons);
    }
  }

  window.mtinst = { ...window.mtinst, Player };
})();
