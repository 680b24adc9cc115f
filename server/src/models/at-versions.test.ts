import assert from "node:assert/strict";
import type { Model, TypeModel } from "@unknot/models/model.ts";
import { atVersions } from "./at-versions.ts";

const model = JSON.parse(`{
  "unknot": 1,
  "modules": ["jobs", "@jobs/more"],
  "versions": ">=1.0.6 <3.0.0",
  "types": {
    "Queue": {
      "kind": "queue",
      "members": {
        "add": { "op": "submit" },
        "all": { "op": "submit", "since": "1.1.0" },
        "each": { "op": "submit", "until": "1.1.0" },
        "clear": {
          "op": "clear",
          "dropped": [{ "when": { "version": ">=1.2.0" }, "then": "reject" }, { "then": "hang" }]
        }
      }
    },
    "Later": { "kind": "queue", "since": "2.0.0", "members": {} }
  }
}`) as Model;

const at = (...versions: string[]) => atVersions([model], new Map([["jobs", versions]]));
const droppedBy = (type: TypeModel | undefined) => {
  const dropped = type?.members["clear"]?.dropped;
  return typeof dropped === "string" ? dropped : dropped?.map((outcome) => Object.values(outcome));
};
const queueOf = (models: readonly Model[]) =>
  models.find(({ modules }) => modules.includes("jobs"))?.types?.["Queue"];

describe("models at the installed versions", () => {
  it("are the newest when nothing is installed", () => {
    const [only, ...others] = atVersions([model], new Map());
    assert.deepEqual(others, []);
    assert.deepEqual(only?.modules, ["jobs", "@jobs/more"]);
    assert.deepEqual(Object.keys(only?.types ?? {}), ["Queue", "Later"]);
    assert.deepEqual(droppedBy(queueOf([only as Model])), [["reject"], ["hang"]]);
  });

  it("leave out what an older version does not have", () => {
    assert.deepEqual(Object.keys(queueOf(at("1.0.6"))?.members ?? {}), ["add", "each", "clear"]);
    assert.deepEqual(droppedBy(queueOf(at("1.0.6"))), [["hang"]]);
    assert.deepEqual(Object.keys(queueOf(at("1.1.0"))?.members ?? {}), ["add", "all", "clear"]);
    assert.deepEqual(droppedBy(queueOf(at("1.2.0"))), [["reject"], ["hang"]]);
  });

  it("leave out what a newer version has no more", () => {
    assert.ok(queueOf(at("1.0.6"))?.members["each"]);
    assert.equal(queueOf(at("1.1.0"))?.members["each"], undefined);
    assert.equal(queueOf(at("1.0.6", "1.2.0"))?.members["each"], undefined);
  });

  it("are the newest beta version where the range ends with one", () => {
    const beta = { ...model, versions: ">=1.0.0 <2.0.0-beta.3" };
    const [only] = atVersions([beta], new Map());
    assert.equal(only?.types?.["Queue"]?.members["each"], undefined);
  });

  it("say nothing of versions outside of their range", () => {
    assert.equal(queueOf(at("1.0.5")), undefined);
    assert.equal(queueOf(at("3.0.0")), undefined);
    assert.ok(queueOf(at("2.9.9-beta.1")));
    // The other module comes from a package of its own.
    assert.deepEqual(
      at("3.0.0").flatMap(({ modules }) => modules),
      ["@jobs/more"],
    );
  });

  it("say what holds for all versions when there are several", () => {
    const both = queueOf(at("1.0.6", "1.2.0"));
    assert.deepEqual(Object.keys(both?.members ?? {}), ["add", "clear"]);
    assert.equal(both?.members["clear"]?.dropped, undefined);
    assert.ok(queueOf(at("1.2.0", "5.0.0")));
  });

  it("keep models without a range, and those whose range is none", () => {
    const { versions: _, ...always } = model;
    assert.deepEqual(atVersions([always], new Map([["jobs", ["9.0.0"]]])), [always]);
    const odd = { ...model, versions: "from 1 to 3" };
    assert.deepEqual(atVersions([odd], new Map([["jobs", ["2.0.0"]]])), [odd]);
  });
});
