// Keyboard shortcuts, unless a control has its own use for the key: for the whole page, or, as speech input types letters
// that nobody meant, only where the player has the focus.
(() => {
  const STEP_S = 2;
  const LARGE_STEP_S = 10;
  const SPEED_STEP = 0.05;
  const REMEMBERED_AS = "mtinst-keys";
  const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

  // What a key does, or undefined.
  function actionOf(event, player) {
    const { mixer } = player;
    const step = event.shiftKey ? LARGE_STEP_S : STEP_S;
    const named = {
      " ": () => player.toggle(),
      ArrowLeft: () => player.seek(mixer.position - step),
      ArrowRight: () => player.seek(mixer.position + step),
      Home: () => player.seek(0),
      l: () => player.toggleLoop(),
      a: () => player.markLoop("start"),
      b: () => player.markLoop("end"),
      f: () => player.setFollow(!player.follows),
      "+": () => player.zoom(1.6),
      "=": () => player.zoom(1.6),
      "-": () => player.zoom(1 / 1.6),
      "0": () => player.zoom(0),
      ",": () => player.setSpeed(mixer.speed - SPEED_STEP),
      ".": () => player.setSpeed(mixer.speed + SPEED_STEP),
      Escape: () => player.setSpotlight(null),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // The place of the key, as a digit with Shift is another sign; where that sign is a shortcut itself, it is meant.
    const key = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? event.key.toUpperCase();
    const index = player.song.instruments.findIndex((one) => one.key === key);
    if (named || index < 0) return named;
    return () => player.toggleInstrument(index, event.shiftKey ? "soloed" : "muted");
  }

  // Whether the focused control needs the key itself: text fields all, sliders the arrows, buttons the space bar.
  function isTaken(event) {
    const control = event.target.closest?.("input, textarea, select, button, summary, a, [contenteditable], [role]");
    if (!control) return false;
    const type = control.tagName === "INPUT" ? control.type : control.tagName.toLowerCase();
    if (type === "range") return ARROWS.has(event.key);
    if (["checkbox", "radio"].includes(type)) return event.key === " " || ARROWS.has(event.key);
    if (control.tagName === "INPUT" || ["textarea", "select"].includes(type) || control.isContentEditable) return true;
    if (["button", "summary", "a"].includes(type)) return event.key === " " || event.key === "Enter";
    return ["textbox", "combobox", "listbox", "slider", "tab", "menu", "dialog"].includes(control.getAttribute("role"));
  }

  // A checkbox as a visit before this one left it, where the browser keeps such things.
  function remember(checkbox) {
    try {
      checkbox.checked = localStorage.getItem(REMEMBERED_AS) !== "off";
      checkbox.addEventListener("change", () => localStorage.setItem(REMEMBERED_AS, checkbox.checked ? "on" : "off"));
    } catch {
      // It does not.
    }
  }

  function listenToKeys(player) {
    const anywhere = player.find("keys-anywhere");
    remember(anywhere);
    document.addEventListener("keydown", (event) => {
      if (!player.isOnPage || !player.song || event.defaultPrevented) return;
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      if (!anywhere.checked && !player.root.contains(event.target)) return;
      const act = actionOf(event, player);
      if (!act) return;
      event.preventDefault();
      if (!event.repeat || ARROWS.has(event.key)) act();
    });
  }

  window.mtinst = { ...window.mtinst, listenToKeys };
})();
