// Locks and permits that are given back too often, and pools with nothing left: the real libraries in the oldest and the
// newest version that their models claim, each mistake with programs that look like it and are right.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { folderOf, installLibraries } from "../models/install.ts";
import { lineOf, nodes, programFolder, runToLastDump, start } from "./kit.ts";

const tools = `const tick = () => new Promise(setImmediate);
`;

interface Lock {
  readonly setUp: string;
  readonly take: string;
  readonly give: string;
  /** `freed`: a second release ends another's hold. `grown`: it lets in one more. */
  readonly outcome: "freed" | "grown";
}

const locks: Readonly<Record<string, Lock>> = {
  "async-mutex": {
    setUp: `import { Mutex } from "async-mutex"; const lock = new Mutex();`,
    take: "lock.acquire()",
    give: "lock.release()",
    outcome: "freed",
  },
  "await-lock": {
    setUp: `import AwaitLock from "await-lock"; const lock = new (AwaitLock.default ?? AwaitLock)();`,
    take: "lock.acquireAsync()",
    give: "lock.release()",
    outcome: "freed",
  },
  "@sapphire/async-queue": {
    setUp: `import { AsyncQueue } from "@sapphire/async-queue"; const lock = new AsyncQueue();`,
    take: "lock.wait()",
    give: "lock.shift()",
    outcome: "freed",
  },
  "async-sema": {
    setUp: `import { Sema } from "async-sema"; const lock = new Sema(2);`,
    take: "lock.acquire()",
    give: "lock.release()",
    outcome: "grown",
  },
  "semaphore-async-await": {
    setUp: `import semaphores from "semaphore-async-await"; const Semaphore = semaphores.default; const lock = new Semaphore(2);`,
    take: "lock.wait()",
    give: "lock.signal()",
    outcome: "grown",
  },
};

/** The second release comes while another task holds. */
const broken = ({ setUp, take, give }: Lock) => `${setUp}
${tools}
async function works() {
  await ${take};
  try {
    await tick();
    ${give};
    await tick();
  } finally {
    ${give}; // too often
  }
}
async function waits() {
  await ${take}; // taken
  for (let n = 0; n < 5; n++) await tick();
  try { ${give}; } catch {}
}
await Promise.all([works(), waits()]);
`;

/** Each of these gives back as often as it takes. */
const right = ({ setUp, take, give }: Lock) => `${setUp}
${tools}
async function again() {
  for (let n = 0; n < 5; n++) {
    await ${take};
    await tick();
    ${give};
  }
}
let handed;
const ready = new Promise((resolve) => { handed = resolve; });
async function takes() { await ${take}; handed(); for (let n = 0; n < 10; n++) await tick(); }
async function gives() { await ${take}; ${give}; await ready; ${give}; }
async function later() { await ${take}; setTimeout(() => ${give}, 5); }
async function fails() { await ${take}; try { await tick(); throw new Error("on purpose"); } finally { ${give}; } }
await Promise.all([again(), again(), fails().catch(() => {}), later()]);
await Promise.all([gives(), tick().then(takes)]);
`;

const semaphore = (body: string) => `import { Semaphore } from "async-mutex";
${tools}
${body}
`;

const rightSemaphores = {
  "a buffer of two semaphores": semaphore(`
const free = new Semaphore(2), filled = new Semaphore(0), items = [];
async function produces() { for (let n = 0; n < 6; n++) { await free.acquire(); items.push(n); filled.release(); } }
async function consumes() { for (let n = 0; n < 6; n++) { await filled.acquire(); items.shift(); await tick(); free.release(); } }
await Promise.all([produces(), consumes()]);`),
  "a value that was set while permits were taken": semaphore(`
const permits = new Semaphore(2);
await permits.acquire(); permits.setValue(2); permits.release();`),
  "a release function that is called twice": semaphore(`
const permits = new Semaphore(2);
const [, release] = await permits.acquire(); release(); release();
await permits.runExclusive(tick);`),
  weights: semaphore(`
const permits = new Semaphore(3);
await permits.acquire(2); permits.release(2); await permits.acquire(3); permits.release(3);`),
};

const brokenSemaphore = semaphore(`
const permits = new Semaphore(2);
async function works() {
  await permits.acquire();
  permits.release();
  permits.release(); // too often
}
await works();
await works();`);

const poolOf = (name: "tarn" | "generic-pool", kept: boolean) => {
  const made =
    name === "tarn"
      ? `import tarn from "tarn";
const pool = new tarn.Pool({ create: async () => ({}), destroy: () => {}, validate: () => true, min: 0, max: 2, acquireTimeoutMillis: 1e6 });
const take = async () => pool.acquire().promise;`
      : `import genericPool from "generic-pool";
const pool = genericPool.createPool({ create: async () => ({}), destroy: async () => {} }, { max: 2 });
const take = async () => pool.acquire();`;
  return `${made}
${tools}
async function holds() {
  const client = await take();
  ${kept ? "await new Promise(() => {});" : "await tick();"}
  pool.release(client);
}
setInterval(() => {}, 1000);
for (;;) {
  const all = [holds(), holds(), holds()];
  console.log("ready");
  await Promise.all(all);
}
`;
};

describe("what is given back too often", () => {
  const folder = programFolder();
  const ages = ["oldest", "newest"] as const;
  before(function () {
    this.timeout(600_000);
    installLibraries();
    for (const age of ages) {
      for (const name of [...Object.keys(locks), "tarn", "generic-pool"]) {
        const link = folder.file(`${age}/node_modules/${name}`);
        mkdirSync(path.dirname(link), { recursive: true });
        symlinkSync(path.join(folderOf(age), "node_modules", name), link, "junction");
      }
    }
  });

  const problemsOf = async (program: string, text: string) => {
    folder.write(program, text);
    const { last, code, stderr } = await runToLastDump(folder, program, {
      node: nodes[0] as (typeof nodes)[0],
    });
    assert.equal(code, 0, stderr);
    return last.dump.problems.filter(({ verdict }) => verdict === "over-release");
  };

  for (const age of ages) {
    for (const [name, lock] of Object.entries(locks)) {
      // The release of 0.3 is the function of whoever holds: nothing tells who calls it.
      if (name === "async-mutex" && age === "oldest") continue;
      it(`${name} (${age}): a second release`, async () => {
        const text = broken(lock);
        const [problem, ...others] = await problemsOf(`${age}/broken.mjs`, text);
        assert.deepEqual(others, []);
        assert.deepEqual([problem?.id, problem?.certainty], ["lock-over-release", "proved"]);
        const lines = problem?.at.map(({ line }) => line) ?? [];
        assert.equal(lines[0], lineOf(text, "too often"));
        if (lock.outcome === "freed") assert.equal(lines[1], lineOf(text, "taken"));
        assert.match(problem?.message ?? "", lock.outcome === "freed" ? /hold of 'waits'/ : /3 permits of 2/);
      });
    }

    for (const [name, lock] of Object.entries(locks)) {
      it(`${name} (${age}): is silent about who gives back what was taken, itself or for another`, async () => {
        assert.deepEqual(await problemsOf(`${age}/right.mjs`, right(lock)), []);
      });
    }
  }

  it("async-mutex: permits that become more each time", async () => {
    const [problem, ...others] = await problemsOf("newest/semaphore.mjs", brokenSemaphore);
    assert.deepEqual(others, []);
    assert.equal(problem?.at[0]?.line, lineOf(brokenSemaphore, "too often"));
    assert.match(problem?.message ?? "", /\(2 times\).*4 permits of 2/);
  });

  for (const [name, text] of Object.entries(rightSemaphores)) {
    it(`async-mutex: is silent about ${name}`, async () => {
      assert.deepEqual(await problemsOf("newest/semaphores.mjs", text), []);
    });
  }
});

describe("a pool with nothing left", () => {
  const folder = programFolder();
  before(() => {
    for (const name of ["tarn", "generic-pool"]) {
      symlinkSync(
        path.join(folderOf("newest"), "node_modules", name),
        path.join(folder.path, "node_modules", name),
        "junction",
      );
    }
  });
  const exhausted = (dump: Parameters<typeof problemsIn>[0]) => problemsIn(dump).length > 0;
  const problemsIn = (dump: {
    readonly problems: readonly { readonly verdict: string; readonly message: string }[];
  }) => dump.problems.filter(({ verdict }) => verdict === "pool-exhausted");

  for (const name of ["tarn", "generic-pool"] as const) {
    it(`is told when tasks have waited for ${name} for a while`, async () => {
      folder.write("kept.mjs", poolOf(name, true));
      const running = start(folder, "kept.mjs");
      const client = await running.connect();
      const dump = await client.dumpWhen("an exhausted pool", exhausted);
      const [problem] = problemsIn(dump);
      assert.match(
        problem?.message ?? "",
        /^All 2 clients of .* are taken, the longest for .* by 'holds' \(kept\.mjs:\d+\); 1 task waits for one, the longest for \d/,
      );
      await running.kill();
    });
  }

  it("is nothing to tell of while everybody gets one soon", async () => {
    folder.write("given.mjs", poolOf("tarn", false));
    const running = start(folder, "given.mjs");
    const client = await running.connect();
    let seen = 0;
    await client.dumpWhen("many dumps", (dump) => {
      assert.deepEqual(problemsIn(dump), []);
      return ++seen >= 50;
    });
    await running.kill();
  });
});
