import assert from "node:assert/strict";
import type { Model } from "@unknot/models/model.ts";
import { indexModels } from "../analysis/model-index.ts";
import { mergeModels } from "./merge-models.ts";

const bundled: Model = {
  unknot: 1,
  modules: ["locks", "locks/sub"],
  types: {
    Lock: {
      kind: "mutex",
      create: [{ new: "Lock", capacity: 1 }],
      members: { acquire: { op: "acquire", await: true }, release: { op: "release" } },
    },
    Other: { kind: "mutex", create: [{ new: "Other" }], members: {} },
  },
};
const own: Model = {
  unknot: 1,
  modules: ["locks"],
  types: {
    Lock: { kind: "semaphore", members: { acquire: { op: "query" }, drain: { op: "waitIdle" } } },
    Mine: { kind: "queue", create: [{ new: "Mine" }], members: { add: { op: "submit", fn: 0 } } },
  },
};

describe("models of users", () => {
  const index = indexModels(mergeModels([bundled], [own]));
  const operation = (module: string, type: string, member: string) =>
    index.exportedType(module, [type])?.members.get(member)?.op;

  it("replace the members that they name and keep the others", () => {
    assert.equal(operation("locks", "Lock", "acquire"), "query");
    assert.equal(operation("locks", "Lock", "release"), "release");
    assert.equal(operation("locks", "Lock", "drain"), "waitIdle");
    assert.equal(index.exportedType("locks", ["Lock"])?.kind, "semaphore");
    assert.equal(index.exported("locks", ["Lock"])?.kind, "constructor");
  });

  it("add types, and leave other types and modules as they are", () => {
    assert.equal(operation("locks", "Mine", "add"), "submit");
    assert.equal(index.exportedType("locks", ["Other"])?.kind, "mutex");
    assert.equal(operation("locks/sub", "Lock", "acquire"), "acquire");
    assert.equal(operation("locks/sub", "Lock", "drain"), undefined);
  });

  it("count in their order: a later one corrects an earlier one", () => {
    const later: Model = {
      unknot: 1,
      modules: ["locks"],
      types: { Lock: { kind: "mutex", members: { drain: { op: "query" } } } },
    };
    const both = indexModels(mergeModels([bundled], [own, later]));
    const lock = both.exportedType("locks", ["Lock"]);
    assert.equal(lock?.members.get("drain")?.op, "query");
    assert.equal(lock?.members.get("acquire")?.op, "query");
  });
});
