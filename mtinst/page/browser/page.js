// The page in the browser. It shows what the server's record of the visit says, which comes whole and with its number,
// and tells the server what a person does. It decides nothing.

/**
 * @typedef {{path: string, url: string, orig_name: string}} FileData
 * @typedef {object} Snapshot  See mtinst/page/snapshot.py.
 * @property {number} number
 * @property {string} status
 * @property {string} summary
 * @property {string} downloads
 * @property {string | null} player
 * @property {string | null} aside
 * @property {boolean} can_transcribe
 * @property {boolean} can_stop
 * @property {boolean} has_recorder
 * @property {[number, FileData | null]} song
 * @property {[number, FileData | null]} notes
 * @property {[number, any[]]} sliders
 */

const PLACE = "#mt-audio"; // where songs go
const PLAYED = /\.(wav|mp3|flac|ogg|oga)$/i;
const PATIENCE_MS = 45_000; // with a connection that fails
const PAUSE_MS = 1_000;
const BUTTONS = { "#mt-stop": "stop", "#mt-aside": "aside", "#mt-reset": "reset" };

/** @type {Snapshot | null} */
let shown = null;
/** @type {((type: string, message: object) => void) | null} */
let trigger = null;
/** @type {object[]} */
const unsaid = []; // until Gradio is ready
let file = Date.now(); // the number of the file that was brought last: a later one has a higher number, whoever brings it

/** Tell the server what a person did. @param {string} kind @param {object} [facts] */
function tell(kind, facts) {
  const message = { kind, ...facts };
  if (trigger) trigger("submit", message);
  else unsaid.push(message);
}

/** What Gradio hands over once the visit's component is there. @param {(type: string, message: object) => void} send */
function connect(send) {
  trigger = send;
  for (const message of unsaid.splice(0)) send("submit", message);
}

/** The page is complete: bring back the result that its address names. */
function opened() {
  const key = new URL(location.href).searchParams.get("song");
  if (key) tell("link", { key });
}

/**
 * Show a snapshot, unless a newer one is on show; returns the changes of Gradio's components, in the order of app.py.
 * @param {string} text
 */
function show(text) {
  /** @type {Snapshot} */
  const next = JSON.parse(text);
  const before = shown;
  if (before && next.number <= before.number) return Array(6 + next.sliders[1].length).fill(update());
  shown = next;
  for (const place of /** @type {const} */ (["status", "summary", "downloads"])) {
    if (next[place] !== before?.[place]) fill(place, next[place]);
  }
  if (!next.has_recorder && before?.has_recorder) setTimeout(() => tell("recorder"));
  const isPut = (/** @type {"song" | "notes" | "sliders"} */ what) => next[what][0] > (before?.[what][0] ?? 0);
  const put = (/** @type {"song" | "notes"} */ what) => (isPut(what) ? { value: next[what][1] } : {});
  return [
    next.player === before?.player ? update() : update({ value: next.player }),
    update({ ...put("song"), visible: next.has_recorder }),
    update(put("notes")),
    update({ visible: next.aside !== null, ...(next.aside && { value: next.aside }) }),
    update({ interactive: next.can_transcribe }),
    update({ interactive: next.can_stop }),
    ...next.sliders[1].map((value) => update(isPut("sliders") ? { value } : {})),
  ];
}

/** A change of a component, or none. @param {object} [changes] */
function update(changes) {
  return { __type__: "update", ...changes };
}

/** @param {string} place @param {string} html */
function fill(place, html) {
  const element = /** @type {HTMLElement} */ (document.getElementById(`mt-${place}`));
  const unfolded = [...element.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  element.innerHTML = html;
  for (const summary of element.querySelectorAll("details > summary")) { // as a person left them
    if (unfolded.includes(summary.textContent)) summary.parentElement?.setAttribute("open", "");
  }
  const link = /** @type {HTMLAnchorElement | null} */ (element.querySelector("[data-song]"));
  if (!link) return;
  // The address of the page names the result on it, so that it can be kept, shared and loaded again.
  const address = new URL(location.href);
  address.searchParams.set("song", link.dataset.song ?? "");
  history.replaceState(history.state, "", address);
  link.href = address.href;
}

/** What is where songs go changed. @param {FileData | null} song */
function songChanged(song) {
  if (!song && shown?.song[1]) tell("cleared", { put: shown.song[0] });
}

/** Send a file to the server, and say how that goes. @param {File} song @param {"sent" | "recorded"} what */
async function bring(song, what) {
  const facts = { file: ++file, what, name: song.name };
  tell("brought", facts);
  try {
    const form = new FormData();
    form.append("files", song);
    const answer = await send(form);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const [path] = await answer.json();
    tell("arrived", { ...facts, path, is_played: PLAYED.test(song.name) && song.type.startsWith("audio/") });
  } catch (error) {
    console.warn(error);
    tell("lost", facts);
  }
}

/** Try for a while where the connection fails. @param {FormData} form */
async function send(form) {
  const end = Date.now() + PATIENCE_MS;
  while (true) {
    try {
      return await fetch("gradio_api/upload", { method: "POST", body: form });
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((goOn) => setTimeout(goOn, PAUSE_MS));
    }
  }
}

/** Whether a recording goes on. */
function isRecording() {
  const stops = document.querySelectorAll(`${PLACE} :is(.stop-button, .stop-button-paused)`);
  return [...stops].some((button) => /** @type {HTMLElement} */ (button).offsetParent);
}

/** Copy the link to what is shown. @param {HTMLAnchorElement} link */
async function copy(link) {
  try {
    await navigator.clipboard.writeText(link.href);
    link.textContent = link.dataset.copied ?? "";
  } catch {
    prompt(link.textContent ?? "", link.href); // no clipboard without https, nor in a frame that may not
  }
}

/** @param {MouseEvent} event */
function clicked(event) {
  const target = /** @type {Element} */ (event.target);
  const card = /** @type {HTMLElement | null} */ (target.closest(".mt-example"));
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("#mt-summary [data-song]"));
  const isTranscribe = target.closest("#mt-transcribe");
  if (card) tell("example", { slug: card.dataset.slug });
  if (isTranscribe) {
    const said = /** @type {HTMLInputElement} */ (document.querySelector("#mt-tuning input")).value.trim();
    tell("transcribe", { tuning: said ? Number(said.replace(",", ".")) || -1 : 0, is_recording: !shown?.song[1] && isRecording() });
  }
  if (card || isTranscribe) document.getElementById("mt-status")?.scrollIntoView({ block: "nearest" });
  for (const [button, kind] of Object.entries(BUTTONS)) if (target.closest(button)) tell(kind);
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    copy(link);
  }
  // The choice of files shows all of them.
  target.closest(PLACE)?.querySelector("input[type=file]")?.removeAttribute("accept");
}

/** A file was dropped or chosen: the server says what it is. @param {Event} event @param {FileList | undefined | null} files */
function take(event, files) {
  if (!(/** @type {Element} */ (event.target).closest(PLACE)) || !files?.length) return;
  event.preventDefault();
  event.stopPropagation();
  bring(files[0], "sent");
}

/** Notes were changed by hand, in the player. @param {Event} event */
function edited(event) {
  if (!shown?.player) return;
  tell("edits", { source: JSON.parse(shown.player).source, edits: /** @type {CustomEvent} */ (event).detail });
}

/** Tempo or bars were mended. @param {Event} event */
function timed(event) {
  if (!shown?.player) return;
  tell("timing", { source: JSON.parse(shown.player).source, timing: /** @type {CustomEvent} */ (event).detail });
}

addEventListener("mtinst-edits", edited);
addEventListener("mtinst-timing", timed);
addEventListener("click", clicked, true);
addEventListener("drop", (event) => take(event, event.dataTransfer?.files), true);
addEventListener("dragover", (event) => {
  if (/** @type {Element} */ (event.target).closest(PLACE)) event.preventDefault();
}, true);
addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  take(event, input.files);
  if (event.defaultPrevented || event.cancelBubble) input.value = "";
}, true);

// Gradio hands over what was recorded, or trimmed, only in that it makes a file of it, which it would send once and
// say nothing where that fails. So the page brings it, by a better name than the one for all, and Gradio has nothing.
window.File = new Proxy(File, {
  construct: (target, [parts, name, ...options]) => {
    if (name !== "audio.wav" || parts[0] instanceof target) return new target(parts, name, ...options);
    const before = shown?.song[1]?.orig_name.replace(/\.[^.]*$/, "");
    bring(new target(parts, before ? `${before}, trimmed.wav` : "Recording.wav", ...options), "recorded");
    return new target([], name);
  },
});

const mtinst = /** @type {any} */ (window).mtinst ?? {};
mtinst.page = { connect, opened, show, songChanged };
/** @type {any} */ (window).mtinst = mtinst;

export {}; // a module, with names of its own
