// Keyboard shortcuts, unless a control has its own use for the key: for the whole page, or, as speech input types letters
// that nobody meant, only where the player has the focus.

import { find } from "./dom.js";
import { DIGITS } from "./editing.js";
import { FRAME_S } from "./edits.js";

/** @typedef {import("./player.js").Player} Player */

const STEP_S = 2;
const LARGE_STEP_S = 10;
const SPEED_STEP = 0.05;
const REMEMBERED_AS = "mtinst-keys";
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/**
 * What a key does, or undefined.
 *
 * @param {KeyboardEvent} event
 * @param {Player} player
 * @returns {(() => void) | undefined}
 */
export function actionOf(event, player) {
  const { mixer } = player;
  const step = event.shiftKey ? LARGE_STEP_S : STEP_S;
  /** @type {Record<string, () => void>} */
  const actions = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.seek(mixer.position - step),
    ArrowRight: () => player.seek(mixer.position + step),
    Home: () => player.seek(0),
    l: () => player.toggleLoop(),
    a: () => player.markLoop("start"),
    b: () => player.markLoop("end"),
    f: () => player.setFollow(!player.follows),
    t: () => player.timing.tap(),
    "+": () => player.zoom(1.6),
    "=": () => player.zoom(1.6),
    "-": () => player.zoom(1 / 1.6),
    "0": () => player.zoom(0),
    ",": () => player.setSpeed(mixer.speed - SPEED_STEP),
    ".": () => player.setSpeed(mixer.speed + SPEED_STEP),
    g: () => player.ghosts.step(event.shiftKey ? -1 : 1),
    w: () => player.shares.showPicked(),
    Escape: () => player.setSpotlight(null),
  };
  const { picked } = player.ghosts;
  if (picked) actions.Enter = () => player.ghosts.accept(picked);
  if (picked) actions.Escape = () => player.editing.choose([]);
  const named = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  // The place of the key, as a digit with Shift is another sign; where that sign is a shortcut itself, it is meant.
  const key = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? event.key.toUpperCase();
  const instrument = player.song?.instruments.find((one) => one.key === key);
  if (named || !instrument) return named;
  return () => player.toggleInstrument(instrument.name, event.shiftKey ? "soloed" : "muted");
}

/**
 * What a key does to the notes while they are edited, or undefined; most have no such use while none is selected.
 *
 * @param {KeyboardEvent} event
 * @param {import("./editing.js").Editing} editing
 * @returns {(() => void) | undefined}
 */
export function editOf(event, editing) {
  const { shiftKey } = event;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!editing.isOn || event.altKey) return undefined;
  if (event.ctrlKey || event.metaKey) {
    if (key === "y" || (key === "z" && shiftKey)) return () => editing.redo();
    return key === "z" ? () => editing.undo() : undefined;
  }
  /** @type {Record<string, () => void>} */
  const always = {
    n: () => editing.step(1, shiftKey),
    p: () => editing.step(-1, shiftKey),
    i: () => editing.insert(),
    Insert: () => editing.insert(),
  };
  if (always[key] || !editing.selected.length) return always[key];
  const later = (/** @type {number} */ seconds) => (shiftKey ? editing.lengthen(seconds) : editing.move(seconds, 0));
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowLeft: () => later(-FRAME_S),
    ArrowRight: () => later(FRAME_S),
    ArrowUp: () => editing.move(0, shiftKey ? 12 : 1),
    ArrowDown: () => editing.move(0, shiftKey ? -12 : -1),
    Delete: () => editing.remove(),
    Backspace: () => editing.remove(),
    Escape: () => editing.choose([]),
  };
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? key;
  const instrument = DIGITS.includes(digit) ? editing.song.instruments[DIGITS.indexOf(digit)] : undefined;
  return instrument && !shiftKey ? () => editing.give(instrument.name) : actions[key];
}

/**
 * Whether the focused control needs the key itself: text fields all, sliders the arrows, buttons the space bar.
 *
 * @param {KeyboardEvent} event
 */
function isTaken(event) {
  if (!(event.target instanceof Element)) return false;
  /** @type {HTMLElement | null} */
  const control = event.target.closest("input, textarea, select, button, summary, a, [contenteditable], [role]");
  if (!control) return false;
  const type = control instanceof HTMLInputElement ? control.type : control.tagName.toLowerCase();
  if (type === "range") return ARROWS.has(event.key);
  if (["checkbox", "radio"].includes(type)) return event.key === " " || ARROWS.has(event.key);
  if (control.tagName === "INPUT" || ["textarea", "select"].includes(type) || control.isContentEditable) return true;
  if (["button", "summary", "a"].includes(type)) return event.key === " " || event.key === "Enter";
  return ["textbox", "combobox", "listbox", "slider", "tab", "menu", "dialog"].includes(control.getAttribute("role") ?? "");
}

/**
 * A checkbox as a visit before this one left it, where the browser keeps such things.
 *
 * @param {HTMLInputElement} checkbox
 */
function remember(checkbox) {
  try {
    checkbox.checked = localStorage.getItem(REMEMBERED_AS) !== "off";
    checkbox.addEventListener("change", () => localStorage.setItem(REMEMBERED_AS, checkbox.checked ? "on" : "off"));
  } catch {
    // It does not.
  }
}

/** @param {Player} player */
export function listenToKeys(player) {
  const anywhere = find(player.root, "keys-anywhere", HTMLInputElement);
  remember(anywhere);
  document.addEventListener("keydown", (event) => {
    if (!player.root.isConnected || !player.song || event.defaultPrevented) return;
    if (isTaken(event)) return;
    if (player.shares.note && event.key === "Escape") return player.shares.close();
    if (!anywhere.checked && !(event.target instanceof Node && player.root.contains(event.target))) return;
    const edit = editOf(event, player.editing);
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const act = edit ?? (isPlain ? actionOf(event, player) : undefined);
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || edit || ARROWS.has(event.key)) act();
  });
}
