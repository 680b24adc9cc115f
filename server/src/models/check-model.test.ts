import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Model } from "@unknot/models/model.ts";
import { type Libraries, openLibraries } from "../program/library-types.ts";
import { checkModel } from "./check-model.ts";

const declarations = `
export class Lock {
  constructor(options?: { readonly max: number });
  acquire(): Promise<() => void>;
  pair(): Promise<[number, () => void]>;
  run<T>(task: () => Promise<T>, told?: (error: Error) => void): Promise<T>;
  runKeyed(key: string, task: (() => void) | undefined): Promise<void>;
  permit(): Promise<{ release(): void }>;
  size: number;
  release(): void;
  [Symbol.asyncIterator](): AsyncIterator<number>;
}
export interface Queue { push(value: number): Promise<void>; }
export function createQueue(worker: (value: number) => Promise<void>, concurrency: number): Queue;
export function createQueue(options: { readonly concurrency: number }): Queue;
export const makeLimit: (limit: number) => <T>(task: () => T) => Promise<T>;
export default class Renamed { static of(): Renamed; }
export const anything: any;
`;

describe("comparing a model with declarations", () => {
  let folder: string;
  let libraries: Libraries;

  before(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), "unknot-models-"))).replaceAll("\\", "/");
    const library = path.join(folder, "node_modules", "library");
    mkdirSync(library, { recursive: true });
    writeFileSync(path.join(library, "package.json"), '{ "name": "library", "types": "index.d.ts" }');
    writeFileSync(path.join(library, "index.d.ts"), declarations);
    libraries = openLibraries(folder, ["library", "not-there"]);
  });
  after(() => {
    libraries.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const problems = (model: Partial<Model>, version?: string): string[] => {
    const exports = libraries.module("library");
    assert.ok(exports);
    const { contradictions, claims } = checkModel({ unknot: 1, modules: [], ...model }, exports, version);
    assert.ok(claims > 0);
    return contradictions.map(({ path: at, message }) => `${at.join(".")}: ${message}`);
  };
  const lock = (members: NonNullable<Model["types"]>[string]["members"]): Partial<Model> => ({
    types: { Lock: { kind: "mutex", create: [{ new: "Lock" }], members } },
  });

  it("finds nothing wrong with what is right", () => {
    const right: Partial<Model> = {
      types: {
        Lock: {
          kind: "mutex",
          create: [{ new: "Lock", capacity: { arg: 0, prop: "max" } }],
          members: {
            acquire: { op: "acquire", await: true, handle: { form: "fn" }, alsoReleasedBy: ["release"] },
            pair: { op: "acquire", await: true, handle: { form: "tuple", index: 1 } },
            permit: { op: "acquire", await: true, handle: { form: "object", release: ["release"] } },
            run: { op: "scoped", await: true, fn: 0, callback: 1 },
            runKeyed: { op: "scoped", await: true, key: 0, fn: 1 },
            size: { op: "query" },
            "[Symbol.asyncIterator]": { op: "range" },
          },
        },
        Queue: {
          kind: "queue",
          create: [{ call: "createQueue", worker: 0, capacity: { arg: 1 } }],
          members: { push: { op: "submit", await: true, value: 0 } },
        },
        Limit: {
          kind: "queue",
          create: [{ call: "makeLimit", capacity: { arg: 0 } }],
          call: { op: "submit", await: true, fn: 0 },
          members: {},
        },
        Renamed: {
          kind: "event",
          create: [{ new: "default" }],
          members: {},
          statics: { of: { op: "query" } },
        },
        Named: { kind: "mutex", members: {} },
      },
      functions: {
        anything: { op: "run", fn: 3 },
        makeLimit: { op: "acquire", key: 0, type: "Named", alsoReleasedBy: ["anything"] },
      },
      wrappers: { createQueue: { wraps: 0 } },
    };
    assert.deepEqual(problems(right), []);
  });

  const wrong: readonly (readonly [what: string, model: Partial<Model>, problem: string])[] = [
    [
      "a member",
      lock({ acquir: { op: "query" } }),
      "types.Lock.members.acquir: There is no member 'acquir'.",
    ],
    [
      "a callback that is none",
      lock({ runKeyed: { op: "scoped", await: true, fn: 0 } }),
      "types.Lock.members.runKeyed.fn: Argument 0 of 'runKeyed' is no function.",
    ],
    [
      "an argument behind the last",
      lock({ runKeyed: { op: "scoped", await: true, key: 2, fn: 1 } }),
      "types.Lock.members.runKeyed.key: 'runKeyed' has no argument 2.",
    ],
    [
      "a promise",
      lock({ release: { op: "release", await: true } }),
      "types.Lock.members.release.await: 'release' gives no promise.",
    ],
    [
      "a handle that is no function",
      lock({ permit: { op: "acquire", await: true, handle: { form: "fn" } } }),
      "types.Lock.members.permit.handle: What 'permit' gives is no function.",
    ],
    [
      "the place in a tuple",
      lock({ pair: { op: "acquire", await: true, handle: { form: "tuple", index: 0 } } }),
      "types.Lock.members.pair.handle: 'pair' gives no function at 0.",
    ],
    [
      "how to release",
      lock({ permit: { op: "acquire", await: true, handle: { form: "object", release: ["free"] } } }),
      "types.Lock.members.permit.handle: What 'permit' gives has no 'free'.",
    ],
    [
      "a type that a function names",
      { functions: { makeLimit: { op: "run", type: "Nothing" } } },
      "functions.makeLimit.type: There is no type 'Nothing' in this model.",
    ],
    [
      "a function that releases",
      {
        types: { Named: { kind: "mutex", members: {} } },
        functions: { makeLimit: { op: "run", type: "Named", alsoReleasedBy: ["other"] } },
      },
      "functions.makeLimit.alsoReleasedBy: There is no function 'other' in this model.",
    ],
    [
      "a class",
      { types: { Gate: { kind: "mutex", create: [{ new: "Gate" }], members: {} } } },
      "types.Gate.create.0: There is no export 'Gate'.",
    ],
    [
      "what a factory makes",
      { types: { Lock: { kind: "mutex", create: [{ call: "createQueue" }], members: {} } } },
      "types.Lock.create.0: 'createQueue' makes 'Queue', not 'Lock'.",
    ],
    [
      "an interface for a class",
      { types: { Lock: { kind: "mutex", create: [{ call: "Lock" }], members: {} } } },
      "types.Lock.create.0: 'Lock' cannot be called.",
    ],
    ["a function", { functions: { pipe: { op: "run" } } }, "functions.pipe: There is no export 'pipe'."],
    [
      "what a wrapper wraps",
      { wrappers: { makeLimit: { wraps: 1 } } },
      "wrappers.makeLimit.wraps: 'makeLimit' has no argument 1.",
    ],
  ];
  for (const [what, model, problem] of wrong) {
    it(`finds ${what} that is not there`, () => {
      assert.ok(problems(model).includes(problem), problems(model).join("\n"));
    });
  }

  it("does not look for what came later", () => {
    const later = lock({ tryAcquire: { op: "tryAcquire", since: "2.0.0" }, release: { op: "release" } });
    assert.deepEqual(problems(later, "1.9.0"), []);
    assert.equal(problems(later, "2.0.0").length, 1);
  });

  it("does not look for what was there before", () => {
    const before = lock({ tryAcquire: { op: "tryAcquire", until: "2.0.0" }, release: { op: "release" } });
    assert.equal(problems(before, "1.9.0").length, 1);
    assert.deepEqual(problems(before, "2.0.0"), []);
  });

  it("has nothing to say of a module that is not installed", () => {
    assert.equal(libraries.module("not-there"), undefined);
  });
});
