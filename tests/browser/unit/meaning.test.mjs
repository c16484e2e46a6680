/** What a percentage is said to mean: never more than was measured. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { percent } from "../../../static/js/shared/format.js";
import { meaning } from "../../../static/js/shared/format.js";

const t = (key, values = {}) => `${key} ${JSON.stringify(values)}`;
const page = (model) => ({ t, language: "en", model });

test("a measured model answers for the percentage that was asked about", () => {
  const said = meaning(0.921, page({ ece: 0.0142, n: 3529, judged_by: "people" }));
  assert.ok(said.startsWith("meaning.people"));
  assert.deepEqual(JSON.parse(said.slice("meaning.people".length)), { percent: "92\u00a0%", ece: "0.014", n: "3,529", count: 92 });
});

test("a model that was scored against folder labels says so", () => {
  assert.ok(meaning(0.5, page({ ece: 0.01, n: 900, judged_by: "labels" })).startsWith("meaning.labels"));
});

test("few pictures or a large error make it a rough guide, none make it unmeasured", () => {
  assert.ok(meaning(0.5, page({ ece: 0.01, n: 45 })).startsWith("meaning.rough"));
  assert.ok(meaning(0.5, page({ ece: 0.176, n: 4500 })).startsWith("meaning.rough"));
  assert.ok(meaning(0.5, page({ ece: null, n: null })).startsWith("meaning.unmeasured"));
  assert.ok(meaning(0.5, page({})).startsWith("meaning.unmeasured"));
});

test("only certainty is a hundred per cent", () => {
  assert.equal(percent("en", 0.9958), ">99\u00a0%");
  assert.equal(percent("en", 0.994), "99\u00a0%");
  assert.equal(percent("en", 1), "100\u00a0%");
});
