/** Loads style sheets that the first view does not need. */
const loading = new Map();

/**
 * Loads a style sheet, once.
 * @param {string} name of its file in `static/css`
 * @returns {Promise<void>}
 */
export function loadStyle(name) {
  if (!loading.has(name)) loading.set(name, load(name));
  return loading.get(name);
}

function load(name) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(`../../css/${name}.css`, import.meta.url) });
  return new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => {
      loading.delete(name); // the next one who needs it tries again
      link.remove();
      reject(new Error(`expected the style sheet ${link.href}, received none`));
    };
    document.head.append(link);
  });
}
