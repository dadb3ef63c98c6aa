// <mtinst-player value='{"song": "song.json", "files": {"original": "song.ogg", "parts": {"piano": "piano.ogg"}}}'>
// on any page that has this module and player.css. A `note` is a sentence that stands under the mixer. When somebody edits
// notes, it dispatches `mtinst-edits`, whose `detail` is the list of all edits (see mtinst/edits.py), and of tempo and bars `mtinst-timing` (see timing.js).

import { copyOf } from "./dom.js";
import { Player } from "./player.js";
import { template } from "./template.js";

class MtinstPlayer extends HTMLElement {
  static observedAttributes = ["value", "note"];

  /** @type {Player | null} */
  player = null;

  connectedCallback() {
    if (this.player) return;
    const root = copyOf(template);
    this.append(root);
    this.player = new Player(root);
    for (const name of MtinstPlayer.observedAttributes) {
      this.attributeChangedCallback(name, null, this.getAttribute(name));
    }
  }

  disconnectedCallback() {
    this.player?.mixer.pause();
  }

  /** @param {string} name @param {string | null} _ @param {string | null} text */
  attributeChangedCallback(name, _, text) {
    if (name === "note") this.player?.setNote(text ?? "");
    else this.player?.show(text ? JSON.parse(text) : null);
  }
}

customElements.define("mtinst-player", MtinstPlayer);
