/**
 * What runs in the browser. Plain JavaScript, since the types of a browser's globals would hold in the whole project. Each
 * function goes to the browser as text, so that it can use nothing that stands outside of it.
 *
 * @module
 */

/** @returns {{ wide: number, window: number, beyond: string }} What is wider than the window, but for what scrolls by itself. */
export function overflow() {
  const beyond = [...document.querySelectorAll("body *")].filter((element) =>
    element.closest(".scroll, .skip, svg") === null && element.getBoundingClientRect().right > innerWidth + 1
  );
  return {
    wide: document.documentElement.scrollWidth,
    window: innerWidth,
    beyond: beyond.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)).join("\n"),
  };
}

/** @returns {string[]} Texts with a contrast below 4.5. */
export function faintTexts() {
  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    if ((channels(colour)[3] ?? 1) > 0) return colour;
    return element.parentElement === null ? "rgb(255, 255, 255)" : groundOf(element.parentElement);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) =>
      node.nodeType === 3 && node.textContent.trim() !== ""
    );
    if (!hasText || element.closest("svg, script, .unseen, noscript") !== null) continue;
    const colours = [getComputedStyle(element).color, groundOf(element)];
    const [dark, light] = colours.map(luminance).sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (!(contrast >= 4.5)) found.push(`${contrast.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
  }
  return found.slice(0, 3);
}

/** @returns {number} How many stops Tab should make; each gets its number. */
export function numberStops() {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), [tabindex='0']")]
    .filter((element) => getComputedStyle(element).display !== "none");
  all.forEach((element, index) => element.setAttribute("data-stop", String(index)));
  return all.length;
}

/** @returns {{ stop: string | null, html: string, isShown: boolean }} What has the focus, and whether one sees it. */
export function focusedStop() {
  const { activeElement } = document;
  const style = getComputedStyle(activeElement);
  const { width, height, left } = activeElement.getBoundingClientRect();
  return {
    stop: activeElement.getAttribute("data-stop"),
    html: activeElement.outerHTML.slice(0, 100),
    isShown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 &&
      width > 1 && height > 1 && left >= 0,
  };
}

/** @returns {string} The id of what has the focus, else its name, else its text. */
export function focusedName() {
  const { activeElement } = document;
  return activeElement.id || activeElement.getAttribute("name") || activeElement.textContent;
}

/** @returns {number} */
export function animations() {
  return document.getAnimations().length;
}

/** @returns {string} */
export function groundColour() {
  return getComputedStyle(document.body).backgroundColor;
}

/** @returns {number} */
export function scrolledBy() {
  return scrollY;
}

/** Marks the rows that are there. */
export function markRows() {
  document.querySelectorAll("#shards tr").forEach((row) => row.setAttribute("data-kept", ""));
}

/** @param {number} index Which row's key is selected; below 0: nothing is. */
export function select(index) {
  getSelection().removeAllRanges();
  if (index < 0) return;
  const range = document.createRange();
  range.selectNodeContents(document.querySelectorAll("#shards th")[index]);
  getSelection().addRange(range);
}

/** @returns {string} */
export function selectedText() {
  return String(getSelection());
}

/** @param {boolean} isHidden Browsers without a window hide no tab, so the page is made to believe it. */
export function hide(isHidden) {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
