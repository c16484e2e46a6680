/** What a neutral face can be taken from, by the classes of the model. The page is reduced to what the control asks of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BaselineControl } from "../../../static/js/session/baseline_control.js";
import { Labels } from "../../../static/js/shared/labels.js";
import { face, reading } from "./support.mjs";

function offered(names) {
  const place = { shown: [], replaceChildren: (...parts) => (place.shown = parts) };
  globalThis.document = { querySelector: () => place, createElement: () => ({ addEventListener() {}, textContent: "" }) };
  const page = { t: (key) => key, language: "en", labels: new Labels(names) };
  new BaselineControl(page, () => ({ length: 0 })).add(reading(0, [face(1)]));
  delete globalThis.document;
  return place.shown.map(({ textContent }) => textContent).filter(Boolean);
}

test("the quietest seconds are offered only by a model that knows a neutral face", () => {
  assert.deepEqual(offered(undefined), ["baseline.take", "baseline.quiet", "baseline.forget"]);
  assert.deepEqual(offered(["calm", "bored"]), ["baseline.take", "baseline.forget"]);
});
