// What pointers and wheels do on the pictures: a click goes there, a drag moves the view, the playhead or the loop, two
// fingers or a wheel zoom, and hovering names the note.

import { described } from "./ghosts.js";
import { clock, pitchName } from "./song.js";

const DRAG_PX = 5; // less is a click
const GRIP_PX = 7; // around the playhead and the edges of the loop
const TOUCH_GRIP_PX = 16;
const SCROLLING_MS = 300; // after a wheel turned elsewhere, it still scrolls the page
const TAPPED_TIP_MS = 2500;
const HELD_MS = 500; // on a note
const RESTED_MS = 1000; // of the mouse, over it

/** @typedef {{ x: number, y: number }} Point */

/** @typedef {"roll" | "activity" | "pitches"} Kind of a picture */

/** @typedef {"loop-start" | "loop-end" | "ruler" | "playhead" | "view" | "edit"} Zone that a drag begins in */

/** @typedef {{ zone: Zone, from: Point, fixed: number, start: number, moved: boolean, region: Loop | null }} Drag */

/** @typedef {{ zone: "pinch", apart: number, scale: number, second: number }} Pinch */

/** @typedef {import("./stems.js").Loop} Loop */

export class Gestures {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    this.lanes = player.lanes;
    this.tip = player.find("tip");
    this.lastScroll = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.tipTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.holdTimer = undefined;
    this.attach(this.lanes.roll.still.canvas, "roll");
    this.attach(this.lanes.activity.canvas, "activity");
    this.attach(this.lanes.pitches.canvas, "pitches");
    document.addEventListener("wheel", (event) => this.notice(event), { passive: true, capture: true });
  }

  /** @param {HTMLCanvasElement} canvas @param {Kind} kind */
  attach(canvas, kind) {
    /** @type {Map<number, Point>} */
    const pointers = new Map(); // those that are down, by id
    /** @type {Drag | Pinch | null} */
    let drag = null;
    const at = (/** @type {MouseEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.player.song || event.button !== 0) return;
      const point = at(event);
      pointers.set(event.pointerId, point);
      if (pointers.size === 2) {
        this.abandon();
        drag = this.beginPinch([...pointers.values()]);
      } else if (pointers.size === 1) {
        drag = this.beginDrag(this.zoneAt(kind, point, event.pointerType), point);
        this.hold(kind, point, HELD_MS, () => {
          this.abandon();
          drag = null;
        });
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.player.song) return;
      const point = at(event);
      if (event.pointerType === "mouse" && event.buttons === 0 && pointers.size) {
        // It was let go of outside, before it was captured.
        pointers.clear();
        this.abandon();
        drag = null;
      }
      if (pointers.has(event.pointerId)) pointers.set(event.pointerId, point);
      if (drag?.zone === "pinch") return this.pinch(drag, [...pointers.values()]);
      if (!drag) return pointers.size ? undefined : this.hover(canvas, kind, point, event);
      const isLevel = drag.zone !== "edit" || Math.abs(point.y - drag.from.y) <= DRAG_PX;
      if (!drag.moved && isLevel && Math.abs(point.x - drag.from.x) <= DRAG_PX) return;
      clearTimeout(this.holdTimer);
      if (!drag.moved) canvas.setPointerCapture(event.pointerId);
      drag.moved = true;
      this.tip.hidden = true;
      this.drag(drag, point, event);
    });
    const end = (/** @type {PointerEvent} */ event, /** @type {boolean} */ isDone) => {
      const point = at(event);
      clearTimeout(this.holdTimer);
      if (!pointers.delete(event.pointerId) || !drag || drag.zone === "pinch") {
        if (pointers.size === 0) drag = null;
        return;
      }
      const ghost = isDone && !drag.moved && kind === "roll" ? this.player.ghosts.at(point) : null;
      if (isDone && drag.moved) this.drop(drag);
      else if (ghost) this.accept(ghost);
      else if (isDone && drag.zone === "edit") this.player.editing.click(point, event.shiftKey);
      else if (isDone) this.click(kind, point, event.pointerType);
      else this.abandon();
      drag = null;
    };
    canvas.addEventListener("pointerup", (event) => end(event, true));
    canvas.addEventListener("pointercancel", (event) => end(event, false));
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse") return;
      this.tip.hidden = true;
      clearTimeout(this.holdTimer);
      this.player.shares.leave(null);
    });
    canvas.addEventListener("contextmenu", (event) => {
      if (this.player.shares.note) event.preventDefault(); // a finger holds on
    });
    canvas.addEventListener("wheel", (event) => this.wheel(event, kind, at(event)), { passive: false });
    canvas.addEventListener("dblclick", (event) => {
      if (this.player.song && this.zoneAt(kind, at(event), "mouse") === "edit") this.player.editing.doubleClick(at(event));
    });
  }

  /**
   * What a drag from a point would move.
   *
   * @param {Kind} kind
   * @param {Point} point
   * @param {string} pointerType
   * @returns {Zone}
   */
  zoneAt(kind, { x, y }, pointerType) {
    const { lanes, player } = this;
    const grip = pointerType === "touch" ? TOUCH_GRIP_PX : GRIP_PX;
    const isNear = (/** @type {number} */ second) => Math.abs(lanes.x(second) - x) <= grip;
    if (kind === "roll" && y < lanes.roll.rulerHeight) {
      const { loop } = player.mixer;
      if (loop && isNear(loop.start)) return "loop-start";
      if (loop && isNear(loop.end)) return "loop-end";
      return "ruler";
    }
    if (kind === "roll" && player.editing.isOn && x >= lanes.gutter) return "edit";
    if (kind !== "activity" && x >= lanes.gutter - grip && isNear(player.mixer.position)) return "playhead";
    return "view";
  }

  /** @param {Zone} zone @param {Point} from @returns {Drag} */
  beginDrag(zone, from) {
    const { loop } = this.player.mixer;
    const second = this.lanes.secondAt(from.x);
    const fixed = (zone === "loop-start" ? loop?.end : zone === "loop-end" ? loop?.start : second) ?? second;
    return { zone, from, fixed, start: this.lanes.start, moved: false, region: null };
  }

  /** @param {Drag} drag @param {Point} point @param {PointerEvent} event */
  drag(drag, { x, y }, event) {
    const { lanes, player } = this;
    if (drag.zone === "edit") {
      player.editing.drag(drag.from, { x, y }, event);
    } else if (drag.zone === "view") {
      player.setFollow(false);
      lanes.moveTo(drag.start - (x - drag.from.x) / lanes.scale);
      player.draw();
    } else if (drag.zone === "playhead") {
      player.seek(lanes.secondAt(x));
    } else {
      const moving = lanes.secondAt(x);
      drag.region = { start: Math.min(drag.fixed, moving), end: Math.max(drag.fixed, moving) };
      player.previewLoop(drag.region);
    }
  }

  /** @param {Drag} drag */
  drop(drag) {
    if (drag.zone === "edit") return this.player.editing.drop();
    this.player.previewLoop(null);
    if (drag.region) this.player.setLoop(drag.region, true);
  }

  // Leave everything as it was before the drag.
  abandon() {
    this.player.editing.cancel();
    this.player.previewLoop(null);
  }

  /** @param {Kind} kind @param {Point} point @param {string} pointerType */
  click(kind, { x, y }, pointerType) {
    const { lanes, player } = this;
    if (!player.song) return;
    if (kind === "activity") return player.setSpotlight(lanes.instrumentAt(player.song, y).name);
    if (x < lanes.gutter) return;
    player.seek(lanes.secondAt(x));
    if (kind !== "roll" || pointerType === "mouse") return;
    this.showTip({ x, y });
    clearTimeout(this.tipTimer);
    this.tipTimer = setTimeout(() => (this.tip.hidden = true), TAPPED_TIP_MS);
  }

  /** @param {Point[]} fingers @returns {Pinch} */
  beginPinch([a, b]) {
    const { lanes } = this;
    const middle = (a.x + b.x) / 2;
    return { zone: "pinch", apart: Math.max(10, Math.abs(a.x - b.x)), scale: lanes.scale, second: lanes.secondAt(middle) };
  }

  /** @param {Pinch} drag @param {Point[]} fingers */
  pinch(drag, [a, b]) {
    const { lanes, player } = this;
    if (!b) return;
    const factor = Math.max(10, Math.abs(a.x - b.x)) / drag.apart;
    lanes.zoom((drag.scale * factor) / lanes.scale, drag.second);
    // What was between the fingers stays between them.
    lanes.moveTo(drag.second - ((a.x + b.x) / 2 - lanes.gutter) / lanes.scale);
    player.draw();
  }

  /** @param {WheelEvent} event */
  notice(event) {
    const isOurs = event.target === this.lanes.roll.still.canvas && !this.isScrolling(event);
    if (!isOurs && !event.ctrlKey) this.lastScroll = event.timeStamp;
  }

  /**
   * Who scrolls the page past the roll should not get stuck in it.
   *
   * @param {WheelEvent} event
   */
  isScrolling(event) {
    return event.timeStamp - this.lastScroll < SCROLLING_MS;
  }

  /** @param {WheelEvent} event @param {Kind} kind @param {Point} point */
  wheel(event, kind, { x }) {
    const { lanes, player } = this;
    if (!player.song) return;
    const isZoom = event.ctrlKey || event.metaKey;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (isSideways && !isZoom) {
      player.setFollow(false);
      lanes.moveTo(lanes.start + (event.deltaX || event.deltaY) / lanes.scale);
    } else if (isZoom || (kind === "roll" && !this.isScrolling(event))) {
      if (!isZoom && event.deltaY > 0 && lanes.showsAll) return; // nothing more to see: scroll the page
      const turn = event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY;
      const step = isZoom ? Math.max(-25, Math.min(25, turn)) * 0.01 : Math.max(-200, Math.min(200, turn)) * 0.002;
      lanes.zoom(Math.exp(-step), lanes.secondAt(x));
    } else {
      return;
    }
    event.preventDefault();
    player.draw();
  }

  /** @param {HTMLCanvasElement} canvas @param {Kind} kind @param {Point} point @param {PointerEvent} event */
  hover(canvas, kind, point, event) {
    const { player } = this;
    const zone = this.zoneAt(kind, point, event.pointerType);
    const isHandle = zone.startsWith("loop") || zone === "playhead";
    const grip = zone === "edit" ? player.editing.gripAt(point, event.pointerType) : null;
    const isMovable = isHandle || grip === "edge";
    const isClicked = kind === "activity" || (kind === "roll" && player.ghosts.at(point));
    canvas.style.cursor = isMovable ? "ew-resize" : grip === "note" ? "move" : isClicked ? "pointer" : "crosshair";
    if (kind !== "roll") return;
    player.shares.leave(this.noteAt(point));
    if (player.shares.note) return;
    this.showTip(point);
    this.hold(kind, point, RESTED_MS);
  }

  /** @param {import("./ghosts.js").Ghost} ghost */
  accept(ghost) {
    this.tip.hidden = true;
    this.player.ghosts.accept(ghost);
  }

  /** @param {Point} point */
  noteAt(point) {
    return this.player.editing.noteAt(point) ?? this.player.ghosts.at(point);
  }

  /**
   * Show who plays a note once a pointer has been on it for a while.
   *
   * @param {Kind} kind
   * @param {Point} point
   * @param {number} milliseconds
   * @param {() => void} [before]
   */
  hold(kind, point, milliseconds, before) {
    clearTimeout(this.holdTimer);
    const note = kind === "roll" && this.noteAt(point);
    if (!note || note === this.player.shares.note) return;
    this.holdTimer = setTimeout(() => {
      before?.();
      this.player.shares.show(note, point.x);
    }, milliseconds);
  }

  /** @param {Point} point */
  showTip({ x, y }) {
    const { tip, player, lanes } = this;
    const note = player.song && lanes.roll.noteAt(x, y, player.song, player.look);
    const ghost = player.ghosts.at({ x, y });
    tip.hidden = !note && !ghost;
    if (ghost) tip.textContent = `${described(ghost)} · click adds it`;
    else if (note) tip.textContent = this.factsOf(note).join(" · ");
    const right = lanes.fullWidth - tip.offsetWidth - 4;
    tip.style.transform = `translate(${Math.max(0, Math.min(x + 12, right))}px, ${y < 60 ? y + 18 : y - 36}px)`;
  }

  /** @param {import("./song.js").Note} note */
  factsOf(note) {
    const facts = [
      note.instrument.label,
      pitchName(note.pitch),
      `at ${clock(note.onset, 2)}`,
      `${(note.offset - note.onset).toFixed(2)} s long`,
    ];
    if (note.isHit === false) facts.push("missed");
    else if (note.confidence !== undefined) facts.push(`${Math.round(100 * note.confidence)} % sure`);
    if (this.player.look.compares && note.isExtra) facts.push("too many");
    return facts;
  }
}
