/** Shows the state of the live page: a sentence and the actions that are possible. */
import { minutes, short } from "../shared/format.js";
import { element } from "../shared/page.js";
import { STATES, stepsFor } from "./state.js";
import { icon, make, write } from "../shared/dom.js";

const LATE_ASKING_MS = 8000;
const LATE_STARTING_MS = 5000;
const MOST_ENLARGED = 2;

/** Where an action leads that opens another panel. */
const PANEL_LINKS = { photo: "/photo", example: "/video?sample" };
const ICONS = { start: "camera", again: "camera", retry: "retry", reconnect: "retry", now: "retry", resume: "play", reload: "retry", tap: "play" };

/**
 * The text of a state at this moment.
 * @param {string} state a key of STATES
 * @param {{sinceMs: number, retrySeconds: number, rate: number, hiddenForMs: number, failure: string, isLate: boolean,
 *   hasOther: boolean}} moment how long the state lasts, when the next try is, answers per second, how long the page
 *   was hidden, the code of what went wrong, whether nobody has been there for long, whether there is another camera
 * @param {{t: Function, language: string}} page
 * @returns {object} for `Stage.show`
 */
export function sentence(state, moment, { t, language }) {
  const { hasOther } = moment;
  const late = (ms) => moment.sinceMs > ms;
  switch (state) {
    case "live": return { text: "" };
    case "asking": return { text: t("state.asking"), hint: late(LATE_ASKING_MS) ? t("state.asking_late") : "" };
    case "starting": return { text: t(late(LATE_STARTING_MS) ? "state.starting_late" : "state.starting"), hasOther };
    case "denied":
    case "denied-system": return { text: t(`state.${state}`), steps: stepsFor(navigator.userAgent, state === "denied-system") };
    case "insecure": return { text: t("state.insecure"), hint: t("state.insecure_local", { url: `http://localhost${location.port && `:${location.port}`}` }) };
    case "nobody": return { text: t(moment.isLate ? "state.nobody_late" : "state.nobody") };
    case "busy-server": return { text: moment.rate < 1 ? t("state.no_answer") : t("state.busy-server", { n: short(language, moment.rate) }) };
    case "returned": return { text: t("state.returned", { time: minutes(moment.hiddenForMs) }) };
    case "full": return { text: t("state.full", { s: moment.retrySeconds }) };
    case "reconnecting": return { text: moment.retrySeconds ? t("state.reconnecting", { s: moment.retrySeconds }) : t("state.reconnecting_now") };
    case "error":
    case "failed": return { text: t(`state.${state}`, { id: moment.failure }) };
    default: return { text: t(`state.${state}`), hasOther };
  }
}

/** The message over the stage, and the line below it. */
export class Stage {
  #root = element("stage");
  #message = element("message");
  #text = element("message-text");
  #hint = element("message-hint");
  #steps = element("message-steps");
  #actions = element("message-actions");
  #advice = element("advice");
  #privacy = element("message-privacy");
  #live = element("live-sign");
  #httpsUrl = "";
  #t;
  #list;
  #onAction;
  #shown = "";

  /**
   * @param {{t: Function, list: Function}} catalogue
   * @param {(action: string) => void} onAction gets the name of the action that was chosen
   */
  constructor({ t, list }, onAction) {
    this.#t = t;
    this.#list = list;
    this.#onAction = onAction;
    this.#root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) this.#onAction(button.dataset.action);
      else if (this.state === "tap") this.#onAction("tap");
    });
  }

  get state() {
    return this.#root.dataset.state;
  }

  /**
   * @param {string} state a key of STATES
   * @param {{text: string, hint?: string, steps?: string, hasOther?: boolean}} details
   */
  show(state, { text, hint = "", steps = "", hasOther = false }) {
    const { look, actions, alert } = STATES[state];
    const looks = `${state} ${steps} ${hasOther} ${this.#httpsUrl}`;
    const fresh = this.#shown !== looks;
    if (fresh) {
      this.#shown = looks;
      this.#root.dataset.state = state;
      this.#root.dataset.look = look;
      this.#message.hidden = look === "line";
      this.#privacy.hidden = state !== "first";
      this.#text.setAttribute("role", alert ? "alert" : "status");
      this.#fillActions(actions.filter((name) => (name !== "other" || hasOther) && (name !== "https" || this.#httpsUrl)));
      this.#fillSteps(steps);
    }
    // A count-down changes every second: announcing each would be noise.
    this.#text.setAttribute("aria-live", fresh ? (alert ? "assertive" : "polite") : "off");
    write(this.#text, look === "line" ? "" : text);
    write(this.#advice, look === "line" ? text : "");
    this.#live.hidden = look !== "line" || state === "connecting" || Boolean(text);
    write(this.#hint, hint);
    this.#hint.hidden = !hint;
  }

  /** Takes the aspect ratio of the camera and at most twice its pixels; a larger picture would be blurred. @param {HTMLVideoElement} video */
  fit({ videoWidth: width, videoHeight: height }) {
    const { style } = element("picture");
    style.setProperty("--aspect", `${width} / ${height}`);
    style.setProperty("--widest", `${MOST_ENLARGED * width}px`);
    style.setProperty("--tallest", `${MOST_ENLARGED * height}px`);
  }

  /** Offers the same page over https where something answers there. */
  async findHttps() {
    const url = `https://${location.host}${location.pathname}`;
    // The icon is the one file that the server lets other origins load, which http and https of a host are.
    const { pathname, search } = new URL(document.querySelector("link[rel=icon]").href);
    try {
      await fetch(new URL(pathname + search, url), { mode: "no-cors", cache: "no-store" });
      this.#httpsUrl = url;
    } catch {
      // Nothing answers there, or with a certificate that this browser refuses: a button would be useless.
    }
  }

  /** Changes the text of an action for a moment, for instance "Copied". */
  acknowledge(action, text) {
    const button = this.#actions.querySelector(`[data-action="${action}"]`);
    if (button) write(button, text);
  }

  #fillSteps(key) {
    this.#steps.hidden = !key;
    this.#steps.replaceChildren(...(key ? this.#list(`steps.${key}`) : []).map((step) => make("li", "", step)));
  }

  #fillActions(names) {
    const hadFocus = this.#actions.contains(document.activeElement);
    this.#actions.replaceChildren(...names.map((name, i) => this.#action(name, i === 0 && name !== "photo")));
    // If no action is left, the stage gets the focus, and the next Tab moves to the controls.
    if (hadFocus) (this.#actions.firstElementChild ?? this.#root).focus({ preventScroll: true });
  }

  #action(name, isMain) {
    const panel = { photo: "photo", example: "video" }[name];
    const href = panel ? PANEL_LINKS[name] : name === "https" ? this.#httpsUrl : null;
    const made = make(href ? "a" : "button", isMain ? "button button--main" : "button");
    if (href) made.href = href;
    else Object.assign(made, { type: "button" }).dataset.action = name;
    if (panel) made.dataset.panel = panel;
    if (ICONS[name]) made.append(icon(ICONS[name]));
    made.append(this.#t(`action.${name}`, { url: this.#httpsUrl }));
    return made;
  }
}
