// The score, engraved by the server page by page: the notes that sound are marked, the pages scroll along, and a click
// on a note or a bar goes there.

import { unzipped } from "./song.js";

/**
 * @typedef {object} ScoreRecord what `to_pages` of mtinst/export/score.py gives
 * @property {string[]} pages SVG
 * @property {[id: string, onset: number, offset: number][]} notes by onset
 * @property {[id: string, start: number, page: number][]} bars
 */

const MARK = "is-sounding";
const NEAR = "800px"; // pages so far out of sight are drawn already
const REACH_PX = 24; // of a note, for pointers
const PARTLY = 0.25; // of the height in sight: where the line that is played comes to stand

export class Score {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.details = player.find("score", HTMLDetailsElement);
    this.sheets = player.find("sheets");
    /** @type {string | null} */
    this.url = null; // of what is on show, or on its way
    /** @type {ScoreRecord | null} */
    this.record = null;
    /** @type {Map<string, number>} */
    this.times = new Map(); // of each element that can be clicked
    /** @type {Element[]} */
    this.marked = [];
    this.drawn = "";
    this.bar = -1;
    this.observer = new IntersectionObserver((seen) => seen.forEach((one) => this.turn(one)), {
      root: this.sheets,
      rootMargin: NEAR,
    });
    this.details.addEventListener("toggle", () => this.show());
    this.sheets.addEventListener("click", (event) => this.click(event));
  }

  // Fetch the score when it is to be seen, and only then.
  async show() {
    const url = this.player.value?.score ?? null;
    this.details.hidden = !url || !window.DecompressionStream;
    if (!this.details.open || url === this.url) return;
    this.url = url;
    if (!url) return this.lay(null);
    this.sheets.classList.add("is-late");
    try {
      const record = JSON.parse(new TextDecoder().decode(await unzipped(url)));
      if (this.url === url) this.lay(record);
    } catch (error) {
      if (this.url !== url) return;
      this.lay(null);
      this.url = null;
      this.sheets.textContent = "The score could not be loaded.";
      console.warn(error);
    }
  }

  /** @param {ScoreRecord | null} record */
  lay(record) {
    const { scrollTop } = this.sheets;
    this.record = record;
    this.observer.disconnect();
    this.sheets.classList.remove("is-late");
    this.sheets.replaceChildren(
      ...(record?.pages ?? []).map((page, index) => {
        const place = document.createElement("div");
        place.dataset.page = String(index);
        const [, width, height] = /viewBox="0 0 (\S+) (\S+)"/.exec(page) ?? [];
        place.style.aspectRatio = `${width} / ${height}`;
        this.observer.observe(place);
        return place;
      }),
    );
    this.sheets.scrollTop = scrollTop;
    this.times = new Map([...(record?.notes ?? []), ...(record?.bars ?? [])].map(([id, start]) => [id, start]));
    this.marked = [];
    this.drawn = "";
    this.bar = -1;
  }

  /** A page comes near, or goes away again. @param {IntersectionObserverEntry} entry */
  turn({ isIntersecting, target }) {
    const page = this.record?.pages[Number(/** @type {HTMLElement} */ (target).dataset.page)];
    target.innerHTML = isIntersecting && page ? page : "";
    this.drawn = ""; // mark what is on it
    this.player.draw();
  }

  /** Go to the note that is nearest within a bar, or to the bar. @param {MouseEvent} event */
  click({ clientX: x, clientY: y }) {
    const bar = [...this.sheets.querySelectorAll("g.measure")].find((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return left <= x && x < right && top <= y && y < bottom;
    });
    if (!bar) return;
    let [second, least] = [this.times.get(bar.id), REACH_PX];
    for (const head of bar.querySelectorAll("g.notehead")) {
      const { left, right, top, bottom } = head.getBoundingClientRect();
      const away = Math.hypot(x - (left + right) / 2, y - (top + bottom) / 2);
      const onset = this.times.get(head.closest("g.note")?.id ?? "");
      if (onset !== undefined && away < least) [second, least] = [onset, away];
    }
    if (second !== undefined) this.player.seek(second);
  }

  /** @param {number} position @param {boolean} isPlaying */
  draw(position, isPlaying) {
    const { record } = this;
    if (!record || !this.details.open) return;
    const isNow = isPlaying || position > 0;
    const sounding = isNow ? record.notes.filter(([, onset, offset]) => onset <= position && position < offset) : [];
    const ids = sounding.map(([id]) => id);
    const drawn = ids.join(" ");
    if (drawn !== this.drawn) {
      for (const element of this.marked) element.classList.remove(MARK);
      this.marked = ids.flatMap((id) => document.getElementById(id) ?? []);
      for (const element of this.marked) element.classList.add(MARK);
      this.drawn = drawn;
    }
    const bar = record.bars.findLastIndex(([, start]) => start <= position + 1e-3);
    if (bar === this.bar || bar < 0) return;
    this.bar = bar;
    if (this.player.follows) this.reveal(record.bars[bar]);
  }

  /** Bring a bar into sight, where it is not. @param {ScoreRecord["bars"][number]} bar */
  reveal([id, , page]) {
    const { sheets } = this;
    const around = sheets.getBoundingClientRect();
    const element = document.getElementById(id)?.closest("g.system") ?? sheets.children[page];
    const bar = (document.getElementById(id) ?? sheets.children[page]).getBoundingClientRect();
    const { top, bottom } = element.getBoundingClientRect();
    if (top < around.top || bottom > around.bottom) sheets.scrollTop += top - around.top - PARTLY * around.height;
    if (bar.left < around.left || bar.right > around.right) sheets.scrollLeft += bar.left - around.left - 8;
  }
}
