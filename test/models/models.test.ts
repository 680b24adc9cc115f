import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { CreateModel, Model, NumberSource, OperationModel, TypeModel } from "@unknot/models/model.ts";
import { isThereAt } from "@unknot/server/models/at-versions.ts";
import { checkModel, type ModelCheck } from "@unknot/server/models/check-model.ts";
import { joinExports, type Libraries, openLibraries } from "@unknot/server/program/library-types.ts";
import semver from "semver";
import { root } from "../rules/fixtures.ts";
import { fakeRedis } from "./fake-redis.ts";
import {
  type Age,
  ages,
  type Exports,
  folderOf,
  installedVersion,
  installLibraries,
  load,
} from "./install.ts";
import { type Job, probesOf, type Subject } from "./probes.ts";

installLibraries();

interface Library {
  readonly folder: string;
  readonly model: Model;
}

const libraries: readonly Library[] = globSync("models/*/model.json", { cwd: root })
  .sort()
  .map((file) => ({
    folder: path.basename(path.dirname(file)),
    model: JSON.parse(readFileSync(path.join(root, file), "utf8")) as Model,
  }));
const versioned = libraries.filter(({ model }) => model.versions !== undefined);

const resources = { create: async () => ({}), destroy: async () => {} };

const loaded = new Map<string, Exports>();

/** Of these only names and types can be checked. */
const needsServer: ReadonlySet<string> = new Set([
  "ioredis",
  "knex",
  "kysely",
  "mongodb",
  "mongoose",
  "mysql2/promise",
  "pg",
  "pg-pool",
  "redis",
  "@redis/client",
  // An object is one holder, however often it acquires.
  "redis-semaphore RedlockMutex",
  "redis-semaphore Semaphore",
  "redis-semaphore RedlockSemaphore",
  "redis-semaphore MultiSemaphore",
  "redis-semaphore RedlockMultiSemaphore",
]);

const semaphoreOptions = { acquireTimeout: 500, retryInterval: 1 };

/** What the makers want besides a capacity and a worker; what may be used once only is made anew. */
const samples = new Map<string, readonly unknown[] | (() => readonly unknown[])>([
  ["generic-pool", [resources]],
  ["tarn", [{ ...resources, min: 0 }]],
  ["it-pushable", [{ objectMode: true }]],
  ["@repeaterjs/repeater", [() => {}]],
  ["ts-chan Select", [[]]],
  ["p-throttle", [{ limit: 1, interval: 1 }]],
  ["ioredis", [{ lazyConnect: true }]],
  ["knex", [{ client: "pg" }]],
  [
    "kysely",
    [{ dialect: { createAdapter: () => ({}), createDriver: () => ({}), createQueryCompiler: () => ({}) } }],
  ],
  ["mongodb", ["mongodb://localhost"]],
  ["mysql2/promise", [{}]],
  // Long enough for the probes, and then at an end: nothing else keeps them from trying.
  ["sequelize-pool", [{ ...resources, validate: () => true, min: 0 }]],
  ["redlock", () => [[fakeRedis()], { retryCount: 300, retryDelay: 1, retryJitter: 0 }]],
  ["redis-semaphore Mutex", () => [fakeRedis(), "key", semaphoreOptions]],
  ["redis-semaphore RedlockMutex", () => [[fakeRedis()], "key", semaphoreOptions]],
  ["redis-semaphore Semaphore", () => [fakeRedis(), "key", 2]],
  ["redis-semaphore RedlockSemaphore", () => [[fakeRedis()], "key", 2]],
  ["redis-semaphore MultiSemaphore", () => [fakeRedis(), "key", 2, 1]],
  ["redis-semaphore RedlockMultiSemaphore", () => [[fakeRedis()], "key", 2, 1]],
  // Starts no thread before it has something to do.
  ["piscina", [{ minThreads: 0 }]],
  ["tinypool", [{ minThreads: 0 }]],
  ["limiter RateLimiter", [{ tokensPerInterval: 1, interval: "second" }]],
  ["limiter TokenBucket", [{ bucketSize: 1, tokensPerInterval: 1, interval: "second" }]],
  ["queue", [{ autostart: true }]],
  // The same name is the same lock.
  ["mortice", () => [{ name: randomUUID() }]],
]);

/** What is made of these connects at once or wants a driver, and so only their classes are looked at. */
const connecting: ReadonlySet<string> = new Set(["bull", "bullmq", "sequelize", "typeorm"]);

/** Declarations that a package has, but that its "exports" do not lead to. */
const declaredIn: ReadonlyMap<string, string> = new Map([["redlock", "./node_modules/redlock/dist/index"]]);

/** The names under which something was taken, for as long as it is held. */
const taken = new WeakMap<object, symbol[]>();

/** What members want besides a key and a callback, where a probe gives none of it. */
const given = new Map<string, readonly unknown[] | ((object: object) => readonly unknown[])>([
  [
    "async-await-queue wait",
    (queue) => {
      const name = Symbol();
      taken.set(queue, [...(taken.get(queue) ?? []), name]);
      return [name];
    },
  ],
  ["async-await-queue end", (queue) => [taken.get(queue)?.shift()]],
  ["redlock acquire", [["key"], 60_000]],
  ["redlock lock", [["key"], 60_000]],
  ["redlock using", [["key"], 60_000]],
]);

describe("the models and the declarations of what they describe", () => {
  const opened = new Map<Age, Libraries>();
  const checks = new Map<string, Map<Age, ModelCheck>>();

  before(function () {
    this.timeout(120_000);
    const specifiers = [
      ...new Set([...libraries.flatMap(({ model }) => model.modules), ...declaredIn.values()]),
    ];
    for (const age of ages) opened.set(age, openLibraries(folderOf(age), specifiers));
  });
  after(() => {
    for (const one of opened.values()) one.close();
  });

  for (const { folder, model } of libraries) {
    for (const age of ages) {
      const version = versionOf(model, age);
      if (version === undefined && (model.versions !== undefined || age === "between")) continue;
      it(`${folder} ${version ?? `with the ${age} declarations of Node`}`, () => {
        const types = opened.get(age);
        assert.ok(types);
        const modules = model.modules.flatMap(
          (specifier) => types.module(declaredIn.get(specifier) ?? "") ?? types.module(specifier) ?? [],
        );
        const own = modules.filter(
          ({ file }) => version === undefined || file?.startsWith(`${folderOf(age)}/node_modules/`),
        );
        const exports = [...own, ...(model.global ? [types.globals] : [])];
        // Some old versions came without declarations; what they have at run time is checked below.
        if (exports.length === 0) return;
        const check = checkModel(model, joinExports(exports), version);
        assert.deepEqual(
          check.contradictions.map((one) => `${one.path.join(".")}: ${one.message}`),
          [],
        );
        assert.ok(check.claims > 0, "nothing was checked");
        const known = checks.get(folder) ?? new Map<Age, ModelCheck>();
        checks.set(folder, known.set(age, check));
      });
    }
  }

  it("every type and argument exists in some version", () => {
    for (const [folder, known] of checks) {
      const [first = [], ...others] = [...known.values()].map((check) => check.absent);
      const nowhere = first.filter((one) => others.every((absent) => absent.includes(one)));
      assert.deepEqual(nowhere, [], folder);
    }
  });

  it("every library has declarations in some version", () => {
    const without = versioned.filter(({ folder }) => !checks.has(folder)).map(({ folder }) => folder);
    assert.deepEqual(without, []);
  });
});

describe("the models and the versions that are tested", () => {
  for (const { folder, model } of versioned) {
    it(`${folder} is installed at both ends of ${model.versions}`, () => {
      const range = model.versions ?? "";
      const oldest = versionOf(model, "oldest") ?? "";
      const newest = versionOf(model, "newest") ?? "";
      for (const version of [oldest, newest]) {
        assert.ok(semver.satisfies(version, range), `${version} is not in ${range}`);
      }
      // The range begins with the line of versions that is tested, and ends behind the newest.
      const begin = semver.minVersion(range);
      assert.ok(begin && semver.diff(begin, oldest) !== "major", `${range} begins before ${oldest}`);
      assert.ok(semver.minor(begin) === semver.minor(oldest), `${range} begins before ${oldest}`);
      assert.ok(
        !semver.satisfies(semver.inc(newest, "major") ?? "", range),
        `${range} goes beyond ${newest}`,
      );
    });
  }
});

const { setInterval, setTimeout } = globalThis;

/** Pools look after their clients as long as any is out, and here none comes back: that must not keep us from ending. */
function letTimersGo(): void {
  const loosely =
    <Arguments extends readonly unknown[]>(start: (...args: Arguments) => NodeJS.Timeout) =>
    (...args: Arguments): NodeJS.Timeout =>
      start(...args).unref();
  Object.assign(globalThis, { setInterval: loosely(setInterval), setTimeout: loosely(setTimeout) });
}

for (const age of ["oldest", "newest"] as const) {
  describe(`the models and the ${age} libraries at run time`, () => {
    before(async () => {
      letTimersGo();
      for (const { model } of versioned) {
        for (const specifier of model.modules) loaded.set(`${age} ${specifier}`, await load(age, specifier));
      }
    });
    after(() => void Object.assign(globalThis, { setInterval, setTimeout }));
    for (const { model } of versioned) {
      const version = versionOf(model, age) ?? "";
      for (const specifier of model.modules) {
        for (const [name, type] of Object.entries(model.types ?? {})) {
          if (!isThereAt(type, version)) continue;
          for (const [index, create] of (type.create ?? []).entries()) {
            const label = `${specifier} ${version}, ${name}${index > 0 ? ` (${create.new ?? create.call})` : ""}`;
            const subject = subjectOf(model, type, create, age, specifier, version);
            it(`${label} has what it is said to have`, () => {
              assert.deepEqual(missingMembers(subject), []);
            });
            if (
              connecting.has(specifier) ||
              needsServer.has(specifier) ||
              needsServer.has(`${specifier} ${create.new}`) ||
              index > 0
            )
              continue;
            for (const probe of probesOf(subject)) {
              it(`${label}.${probe.name}`, () => probe.run());
            }
          }
        }
        const functions = Object.entries({ ...model.functions, ...model.wrappers });
        if (functions.length === 0) continue;
        it(`${specifier} ${version} has its functions`, () => {
          const missing = functions
            .filter(([, one]) => !("op" in one) || isThereAt(one, version))
            .filter(([name]) => typeof exportOf(age, specifier, name) !== "function")
            .map(([name]) => name);
          assert.deepEqual(missing, []);
        });
      }
    }
  });
}

function versionOf(model: Model, age: Age): string | undefined {
  const [specifier = ""] = model.modules;
  if (model.versions === undefined) return undefined;
  const parts = specifier.split("/");
  return installedVersion(age, parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/"));
}

/** What is exported under a name, as `import` sees it. */
function exportOf(age: Age, specifier: string, name: string): unknown {
  const all = loaded.get(`${age} ${specifier}`);
  assert.ok(all, `'${specifier}' was not loaded`);
  return name.split(".").reduce<unknown>((at, part) => partOf(at, part), all);
}

function partOf(of: unknown, name: string): unknown {
  const all = of as Readonly<Record<string, unknown>>;
  const byDefault = all["default"] as Readonly<Record<string, unknown>> | undefined;
  // A CommonJS module that was an ES module once has its exports one level down.
  const inner = byDefault?.["__esModule"] === true ? byDefault : undefined;
  return inner?.[name] ?? all[name] ?? byDefault?.[name];
}

function subjectOf(
  model: Model,
  type: TypeModel,
  create: CreateModel,
  age: Age,
  specifier: string,
  version: string,
): Subject {
  const members = new Map<string, OperationModel>();
  for (let at: TypeModel | undefined = type; at; at = at.extends ? model.types?.[at.extends] : undefined) {
    for (const [name, operation] of Object.entries(at.members)) {
      if (!members.has(name) && isThereAt(operation, version)) members.set(name, operation);
    }
  }
  return {
    kind: type.kind,
    givesUp: type.givesUp === true,
    create,
    call: type.call,
    members,
    version,
    make(capacity) {
      const maker = exportOf(age, specifier, create.new ?? create.call ?? "");
      assert.ok(typeof maker === "function", `'${create.new ?? create.call}' is not exported`);
      if (connecting.has(specifier)) return maker.prototype;
      const args = argumentsFor(specifier, create, capacity);
      const made: unknown =
        create.new === undefined
          ? (maker as (...args: readonly unknown[]) => unknown)(...args)
          : Reflect.construct(maker, args);
      for (const name of members.keys()) fillIn(made, name, given.get(`${specifier} ${name}`));
      return made;
    },
  };
}

/** Calls of a member without arguments, or with holes, get these. */
function fillIn(
  object: unknown,
  name: string,
  given: readonly unknown[] | ((object: object) => readonly unknown[]) | undefined,
): void {
  if (given === undefined) return;
  const original = (object as Readonly<Record<string, unknown>>)[name];
  assert.ok(typeof original === "function", `'${name}' is no function`);
  const filled = (...args: readonly unknown[]): unknown => {
    const defaults = typeof given === "function" ? given(object as object) : given;
    const length = Math.max(args.length, defaults.length);
    return Reflect.apply(
      original,
      object,
      Array.from({ length }, (_, index) => args[index] ?? defaults[index]),
    );
  };
  Object.defineProperty(object, name, { value: filled });
}

/** As the model says where the capacity and the worker go; what else a library wants stands in `samples`. */
function argumentsFor(specifier: string, create: CreateModel, capacity: number | undefined): unknown[] {
  const sample = samples.get(`${specifier} ${create.new ?? create.call}`) ?? samples.get(specifier);
  const args: unknown[] = [...((typeof sample === "function" ? sample() : sample) ?? [])];
  if (create.worker !== undefined) args[create.worker] = async (job: Job) => job();
  const sources = Array.isArray(create.capacity) ? create.capacity : [create.capacity];
  const source = (sources as readonly (NumberSource | undefined)[]).findLast(
    (one) => typeof one === "object",
  );
  if (typeof source === "object" && capacity !== undefined) {
    const { arg, prop } = source;
    args[arg] = prop === undefined ? capacity : { ...(args[arg] as object | undefined), [prop]: capacity };
  }
  return args;
}

function missingMembers(subject: Subject): string[] {
  const object = subject.make(2);
  assert.ok((typeof object === "object" || typeof object === "function") && object !== null);
  return [...subject.members.keys()].filter((name) => !(keyOf(name) in object));
}

function keyOf(name: string): PropertyKey {
  const wellKnown = /^\[Symbol\.(\w+)\]$/.exec(name)?.[1];
  return wellKnown === undefined ? name : ((Symbol as unknown as Record<string, symbol>)[wellKnown] ?? name);
}
