/** Makes and changes elements of the page. */

/** Makes an element with a class and text. */
export function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Writes text only when it differs, which avoids needless announcements and layout. */
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Shows or hides an element. A focus inside it moves on, so that the next Tab does not begin at the top of the page.
 * @param {HTMLElement} target @param {boolean} isHidden @param {HTMLElement} heir gets the focus
 */
export function hide(target, isHidden, heir) {
  const hadFocus = target.contains(document.activeElement);
  target.hidden = isHidden;
  if (hadFocus && isHidden) heir.focus({ preventScroll: true });
}

/** An icon of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}
