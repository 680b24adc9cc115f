import assert from "node:assert/strict";
import { temporaryFolder, unknot } from "./unknot.ts";

const library = {
  "node_modules/async-mutex/package.json":
    '{ "name": "async-mutex", "version": "0.5.0", "types": "index.d.ts" }',
};
const mutex = `
export declare class Mutex {
  acquire(priority?: number): Promise<() => void>;
  runExclusive<T>(task: () => Promise<T> | T, priority?: number): Promise<T>;
  isLocked(): boolean;
  waitForUnlock(priority?: number): Promise<void>;
  release(): void;
  cancel(): void;
}
export declare class Semaphore {
  constructor(value: number);
  acquire(weight?: number, priority?: number): Promise<[number, () => void]>;
  runExclusive<T>(task: (value: number) => Promise<T> | T, weight?: number): Promise<T>;
  isLocked(): boolean;
  waitForUnlock(weight?: number): Promise<void>;
  release(weight?: number): void;
  cancel(): void;
  getValue(): number;
  setValue(value: number): void;
}
export interface MutexInterface extends Mutex {}
export interface SemaphoreInterface extends Semaphore {}
export declare function withTimeout(mutex: Mutex, timeout: number): Mutex;
export declare function tryAcquire(mutex: Mutex): Mutex;
`;

describe("unknot models check", () => {
  it("says what holds", async () => {
    const cwd = temporaryFolder({ ...library, "node_modules/async-mutex/index.d.ts": mutex });
    const { code, stdout, stderr } = await unknot(["models", "check"], { cwd });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^async-mutex 0\.5\.0: \d+ claims hold\n1 library compared, \d+ described/);
  });

  it("says what the installed library has otherwise, and ends with 1", async () => {
    const changed = mutex.replace(
      "acquire(priority?: number): Promise<() => void>",
      "acquire(): Promise<Mutex>",
    );
    const cwd = temporaryFolder({ ...library, "node_modules/async-mutex/index.d.ts": changed });
    const { code, stdout } = await unknot(["models", "check", "."], { cwd });
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^async-mutex 0\.5\.0 What 'acquire' gives is no function\. \(types\.Mutex\.members\.acquire\.handle\)$/m,
    );
    assert.match(stdout, /; \d+ problems?\.\n$/);
  });

  it("names a version that no model describes", async () => {
    const cwd = temporaryFolder({
      "node_modules/async-mutex/package.json": library["node_modules/async-mutex/package.json"].replace(
        "0.5",
        "7.5",
      ),
      "node_modules/async-mutex/index.d.ts": mutex,
    });
    const { code, stdout } = await unknot(["models", "check"], { cwd });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^async-mutex 7\.5\.0: \d+ claims hold, but the model describes >=0\.3\.0 <0\.6\.0$/m,
    );
  });

  it("checks a project's own models and points into their files", async () => {
    const model = {
      unknot: 1,
      modules: ["./src/limiter"],
      types: {
        Limiter: {
          kind: "queue",
          create: [{ new: "Limiter", capacity: { arg: 0 } }],
          members: { queue: { op: "submit", await: true, fn: 0 }, idle: { op: "waitIdle" } },
        },
      },
    };
    const cwd = temporaryFolder({
      "src/limiter.ts":
        "export class Limiter { constructor(readonly limit: number) {} queue<T>(task: () => Promise<T>): Promise<T> { return task(); } }\n",
      ".unknot/models/limiter.json": JSON.stringify(model, undefined, 2),
      ".unknot/models/missing.json": '{ "unknot": 1,\n  "modules": ["./nowhere"] }',
      ".unknot/models/broken.json": '{ "unknot": 1,\n  "modulse": [] }',
    });
    const { code, stdout } = await unknot(["models", "check"], { cwd });
    assert.equal(code, 1);
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 4), [
      ".unknot/models/broken.json:1:1 The model needs the field 'modules'.",
      ".unknot/models/broken.json:2:3 The model has no field 'modulse'; it has 'modules'.",
      ".unknot/models/limiter.json:23:9 There is no member 'idle'.",
      ".unknot/models/missing.json:2:3 There is no module './nowhere' here.",
    ]);
  });

  it("can't check a folder that is not there", async () => {
    const { code, stderr } = await unknot(["models", "check", "nowhere"]);
    assert.equal(code, 2);
    assert.match(stderr, /^unknot: There is no folder 'nowhere'/);
  });
});
