/** Offers unsaved recordings of earlier pages, which crashed or were closed. */
import { make } from "../shared/dom.js";
import { dateAndTime } from "../shared/format.js";
import { element } from "../shared/page.js";
import { clock } from "./scale.js";

/**
 * Asks about the newest of them, and about the next one when it is answered.
 * @param {{t: Function, language: string}} page with the session's sentences
 * @param {(recording: import("./recording.js").Recording, journal: import("./journal.js").Journal) => void} onRecover
 */
export async function offerRecovery(page, onRecover) {
  const { Journal } = await import("./journal.js");
  const journal = new Journal();
  let found;
  try {
    found = await journal.list();
  } catch {
    return; // storage that is blocked now holds nothing to recover
  }
  const next = () => {
    const one = found.pop();
    if (one && !one.endS) return journal.forget(one.id).then(next); // it ended before anything was recorded
    if (one) ask(one, page, { recover: () => recover(one), remove: () => journal.forget(one.id).then(next) });
  };
  const recover = async ({ id }) => {
    await journal.hold(id);
    onRecover(await journal.read(id), journal);
  };
  next();
}

function ask({ startedUtcMs, endS }, { t, language }, { recover, remove }) {
  const note = make("div", "toast toast--stays");
  note.setAttribute("role", "group");
  const question = make("p", "toast__text", t("recover.question", { time: dateAndTime(language, startedUtcMs), length: clock(endS) }));
  question.id = "recover-question";
  note.setAttribute("aria-labelledby", question.id);
  const button = (key, onClick, className) => {
    const made = make("button", className, t(key));
    made.type = "button";
    made.addEventListener("click", () => {
      note.remove();
      onClick();
    });
    return made;
  };
  note.append(question, button("recover.recover", recover, "button button--main button--small"), button("recover.delete", remove, "button button--small"));
  element("toasts").append(note);
}
