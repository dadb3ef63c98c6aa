/**
 * The element of a class that the player's template has for certain.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name without the `mtp-` that all of them have
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function find(root, name, kind = /** @type {any} */ (HTMLElement)) {
  const found = root.querySelector(`.mtp-${name}`);
  if (!(found instanceof kind)) throw new TypeError(`.mtp-${name} is missing`);
  return found;
}

/**
 * What a template holds, once more.
 *
 * @param {HTMLTemplateElement} template
 */
export function copyOf(template) {
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/**
 * Show an instrument's name as text, and its colours for light and dark.
 *
 * @param {HTMLElement} element
 * @param {import("./song.js").Instrument} instrument
 */
export function dye(element, { name, light, dark }) {
  element.dataset.part = name;
  element.style.setProperty("--mt-on-light", light);
  element.style.setProperty("--mt-on-dark", dark);
}
