/** What a percentage is said to mean: never more than was measured. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inSentence, meaning, percent } from "../../../static/js/shared/format.js";

const t = (key, values = {}) => `${key} ${JSON.stringify(values)}`;
const page = (model) => ({ t, language: "en", model });

test("a measured model answers for the percentage that was asked about", () => {
  const said = meaning(0.921, page({ ece: 0.0142, n: 3529, judged_by: "people" }));
  assert.ok(said.startsWith("meaning.people"));
  assert.deepEqual(JSON.parse(said.slice("meaning.people".length)), { percent: "92%", ece: "0.014", n: "3,529", count: 92 });
});

test("a model that was scored against folder labels says so", () => {
  assert.ok(meaning(0.5, page({ ece: 0.01, n: 900, judged_by: "labels" })).startsWith("meaning.labels"));
});

test("few pictures or a large error make it a rough guide, none make it unmeasured; both name no percentage", () => {
  assert.ok(!meaning(0.5, page({ ece: 0.01, n: 45 })).includes("percent"));
  assert.ok(!meaning(null, page({ ece: 0.01, n: 45 })).includes("percent"));
  assert.ok(meaning(0.5, page({ ece: 0.01, n: 45 })).startsWith("meaning.rough"));
  assert.ok(meaning(0.5, page({ ece: 0.176, n: 4500 })).startsWith("meaning.rough"));
  assert.ok(meaning(0.5, page({ ece: null, n: null })).startsWith("meaning.unmeasured"));
  assert.ok(meaning(0.5, page({})).startsWith("meaning.unmeasured"));
});

test("without a number the sentence takes an example and says so", () => {
  const said = meaning(null, page({ ece: 0.01, n: 900 }));
  assert.ok(said.startsWith("meaning.example"));
  assert.ok(JSON.parse(said.slice("meaning.example".length)).text.includes('"percent":"80%"'));
});

test("each language has its own form of percentages, and 0 % is exactly nothing", () => {
  assert.equal(percent("de", 0.82), "82\u00a0%");
  assert.equal(percent("zh", 0.82), "82%");
  assert.equal(percent("en", 0), "<1%");
  assert.equal(percent("en", 0.0049), "<1%");
  assert.equal(percent("en", 0.005), "1%");
});

test("a calibration error has the decimal sign of the language", () => {
  const said = meaning(0.921, { ...page({ ece: 0.0142, n: 3529, judged_by: "people" }), language: "de" });
  assert.ok(said.includes('"ece":"0,014"'));
});

test("inside a sentence a noun begins small, except in German", () => {
  assert.equal(inSentence("en", "Happiness"), "happiness");
  assert.equal(inSentence("es", "Alegría"), "alegría");
  assert.equal(inSentence("de", "Freude"), "Freude");
});

test("only a probability of 1 is written as 100 %", () => {
  assert.equal(percent("en", 0.9958), ">99%");
  assert.equal(percent("en", 0.994), "99%");
  assert.equal(percent("en", 1), "100%");
});
