// What a dump says about the tasks of a running program, in every form that Node runs programs in.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { readDumps } from "@unknot/dump/formats/read.ts";
import {
  follow,
  lineOf,
  nodes,
  ownGroup,
  programFolder,
  reading,
  registrationOf,
  root,
  start,
  until,
} from "./kit.ts";

/** A program in which somebody holds a lock and somebody wants it; `types` are TypeScript's. */
function program(form: "module" | "commonjs", types: boolean): string {
  const type = (text: string) => (types ? text : "");
  const head =
    form === "module"
      ? `import { Mutex } from "async-mutex";\nimport { setTimeout as sleep } from "node:timers/promises";`
      : `const { Mutex } = require("async-mutex");\nconst { setTimeout: sleep } = require("node:timers/promises");`;
  return `${head}
const ledger = new Mutex(); // the lock
${types ? "interface Order { readonly id: number }\n" : ""}
async function reserve(order${type(": Order")})${type(": Promise<void>")} { // reserve begins
  const release = await ledger.acquire(); // taken
  await sleep(3_600_000); // holds
  release();
}
async function charge(order${type(": Order")}) { // charge begins
  await ledger.runExclusive(async () => order.id); // wants
}
const audit = async (order${type(": Order")}) => await charge(order); // audits
class Shop {
  async open() { // open begins
    const orders = [{ id: 1 }, { id: 2 }]${type(" as const")};
    const first = reserve(orders[0]); // starts reserve
    const second = audit(orders[1]); // starts audit
    await Promise.all([first, second]); // joins
  }
}
new Shop().open(); // starts open
`;
}

const forms = {
  "shop.mjs": program("module", false),
  "shop.cjs": program("commonjs", false),
  "plain/shop.js": program("module", false),
  "plain/old.js": program("commonjs", false),
  "shop.ts": program("module", true),
  "shop.mts": program("module", true),
  "shop.cts": program("commonjs", true),
} as const;

/** Functions that are no tasks, called by timers and listeners, start some; each task has the name of its line. */
const startedByCallbacks = `import { EventEmitter } from "node:events";
class Desk {
  async serve(name) { // begins
    await new Promise(() => { if (name === "") throw new Error(); });
  }
  open() {
    this.serve("method"); // method
  }
}
const desk = new Desk();
const bell = new EventEmitter();
const wait = async (name) => desk.serve(name);
const other = { serve: (name) => wait(name) }; // field
setTimeout(() => { desk.serve("statement"); }, 1); // statement
setTimeout(() => desk.serve("arrow"), 1); // arrow
setTimeout(() => void wait("void"), 1); // void
setTimeout(function () { return wait("return"); }, 1); // return
setTimeout(() => { const kept = wait("kept"); kept.catch(() => {}); }, 1); // kept
setTimeout(() => { wait("chain").then(() => {}).catch(() => {}); }, 1); // chain
setTimeout(() => desk.open(), 1);
setTimeout(() => other.serve("field"), 1);
bell.on("ring", () => { desk?.serve("unknown"); });
setTimeout(() => bell.emit("ring"), 1);
setTimeout(() => { try { wait("thrown", null.field); } catch {} }, 5);
setTimeout(() => bell.emit("ring"), 9);
setInterval(() => {}, 1000);
`;

/** Starts ever more tasks, each called by a number, until the test has seen enough. */
const labelled = `import { label } from "unknot";
const never = new Promise(() => {});
let started = 0;
async function waits(number) { label({ number }); await never; }
function more() {
  for (let each = 0; each < 500; each++) void waits(String(++started));
  if (started < 40_000) setImmediate(more);
}
more();
setInterval(() => {}, 1000);
`;

/** Everything that a dump has to say about this program. */
function checkShop(dump: Parameters<typeof reading>[0], file: string, source: string): void {
  const { task, resource, place, nameOf, waitsFor, wantedBy, site } = reading(dump);
  const at = (mark: string) => `${path.basename(file)}:${lineOf(source, mark)}`;
  const open = task("Shop.open");
  const reserve = task("reserve");
  const charge = task("charge");
  const audit = task("audit");
  // Name, state, where it waits, where it begins, who started it and where.
  assert.deepEqual(
    [open, reserve, audit, charge].map((each) => [each.state, place(each.at), place(each.entry)]),
    [
      ["join", at("joins"), at("open begins")],
      ["sleep", at("holds"), at("reserve begins")],
      ["await", at("audits"), at("audits")],
      ["mutex.lock", at("wants"), at("charge begins")],
    ],
  );
  assert.deepEqual(
    [open, reserve, audit, charge].map((each) => [nameOf(each.parent), place(each.created)]),
    [
      [undefined, at("starts open")],
      ["Shop.open", at("starts reserve")],
      ["Shop.open", at("starts audit")],
      ["audit", at("audits")],
    ],
  );
  assert.equal(site(reserve.at)?.file, file);
  assert.equal(site(reserve.at)?.column, 3);
  for (const each of [open, reserve, audit, charge]) {
    assert.ok(each.ageMs >= (each.wait?.sinceMs ?? 0) && each.ageMs <= dump.process.upMs + 8);
  }
  // What it waits for, and who holds that.
  assert.deepEqual(waitsFor("Shop.open"), ["reserve", "audit"]);
  assert.deepEqual(waitsFor("audit"), ["charge"]);
  assert.equal(wantedBy("charge"), "ledger");
  const ledger = resource("ledger");
  assert.deepEqual([ledger.kind, ledger.type, ledger.capacity], ["mutex", "async-mutex.Mutex", 1]);
  assert.equal(place(ledger.created), at("the lock"));
  assert.deepEqual(
    ledger.holders.map((hold) => [nameOf(hold.task), place(hold.site)]),
    [["reserve", at("taken")]],
  );
  assert.deepEqual(ledger.waiters.map(nameOf), ["charge"]);
  assert.deepEqual(reserve.holding, [ledger.id]);
  assert.ok(charge.wait?.on === "resource" && charge.wait.position === 1);
  assert.deepEqual(
    dump.problems.map((problem) => problem.verdict),
    [],
  );
}

const isComplete = (dump: Parameters<typeof reading>[0]) =>
  ["sleep", "mutex.lock", "join"].every((state) => dump.tasks.some((task) => task.state === state));

describe("the dump of a running program", () => {
  const folder = programFolder({
    ...forms,
    "callbacks.mjs": startedByCallbacks,
    "labelled.mjs": labelled,
    "plain/package.json": "{}",
    "package.json": `{ "type": "module" }`,
    "in-worker.mjs": `import { Worker } from "node:worker_threads";\nnew Worker(new URL("./shop.mjs", import.meta.url));\n`,
    "starts-child.mjs": `import { fork } from "node:child_process";\nfork(new URL("./shop.cjs", import.meta.url));\n`,
  });

  for (const node of nodes) {
    describe(node.name, () => {
      for (const [name, source] of Object.entries(forms)) {
        it(`names tasks, waits, holders and creators: ${name}`, async () => {
          const running = start(folder, name, { node, options: ["--no-warnings"] });
          const client = await running.connect();
          const dump = await client.dumpAtRest("all tasks to wait", isComplete);
          checkShop(dump, folder.file(name), source);
          assert.equal(dump.process.title, folder.file(name));
          assert.deepEqual(dump.coverage.instrumented, ["async-mutex@0.5.0"]);
          assert.deepEqual([dump.coverage.untouched, dump.coverage.blind], [[], []]);
          await running.kill();
        });
      }

      it("tells where callbacks of timers and listeners have started tasks", async () => {
        const running = start(folder, "callbacks.mjs", { node });
        const client = await running.connect();
        const dump = await client.dumpAtRest("all tasks", ({ tasks }) => tasks.length >= 15);
        const { place } = reading(dump);
        const starts = dump.tasks.flatMap(({ created, parent }) =>
          parent === undefined ? [place(created)] : [],
        );
        const lines = ["method", "field", "statement", "arrow", "void", "return", "kept", "chain"].map(
          (mark) => `callbacks.mjs:${lineOf(startedByCallbacks, mark)}`,
        );
        for (const line of lines) assert.ok(starts.includes(line), `${line} of ${starts.join()}`);
        // Of a call that may not happen nobody says where it was.
        assert.deepEqual(
          starts.filter((line) => !lines.includes(line ?? "")),
          [undefined, undefined],
        );
        await running.kill();
      });

      it("tells of each task what the program has said of it before, however much that is", async () => {
        const running = start(folder, "labelled.mjs", { node });
        const client = await running.connect();
        await client.dumpWhen("the last task", ({ tasks }) => {
          const waiting = tasks.filter(({ state }) => state === "await");
          const unknown = waiting.filter(({ labels }) => labels?.["number"] === undefined);
          assert.equal(unknown.length, 0, `nothing is known of ${unknown.length} of ${waiting.length}`);
          return waiting.length === 40_000;
        });
        await running.kill();
      });

      it("sees a worker thread of the program as one more thread", async () => {
        const running = start(folder, "in-worker.mjs", { node });
        const main = await running.connect();
        const worker = await running.connect(
          ({ pid, threadId, title }) =>
            pid === running.pid && threadId > 0 && title === folder.file("shop.mjs"),
        );
        checkShop(
          await worker.dumpAtRest("all tasks to wait", isComplete),
          folder.file("shop.mjs"),
          forms["shop.mjs"],
        );
        assert.deepEqual((await main.dump()).coverage.blind, []);
        await running.kill();
      });

      it("sees child processes that inherit Node's options", async () => {
        const running = start(folder, "starts-child.mjs", { node });
        const child = await running.connect(({ parentPid }) => parentPid === running.pid);
        checkShop(
          await child.dumpAtRest("all tasks to wait", isComplete),
          folder.file("shop.cjs"),
          forms["shop.cjs"],
        );
        await running.kill();
      });
    });
  }

  it("is the same by way of 'unknot run', 'unknot ps' and 'unknot dump'", async () => {
    const source = path.join(root, "cli", "src", "main.ts");
    const cli = (...args: string[]) =>
      spawn(process.execPath, ["--disable-warning=ExperimentalWarning", source, ...args], {
        cwd: folder.path,
        env: { ...process.env, ...folder.env, NO_COLOR: "1" },
        ...ownGroup,
      });
    const running = follow(cli("run", "--", "shop.ts"), folder);
    const { pid, title } = await registrationOf(folder, ({ parentPid }) => parentPid === running.pid);
    assert.equal(title, folder.file("shop.ts"));
    const { stdout: listed } = await follow(cli("ps", "--json"), folder).ended;
    const ids = (JSON.parse(listed) as { pid: number }[]).map((each) => each.pid);
    assert.ok(ids.includes(pid), listed);
    const dump = await until("all tasks to wait", async () => {
      const { stdout } = await follow(cli("dump", String(pid), "--format", "json"), folder).ended;
      const [only] = readDumps(stdout).dumps;
      return only !== undefined && isComplete(only) ? only : undefined;
    });
    checkShop(dump, folder.file("shop.ts"), forms["shop.ts"]);
    process.kill(pid, "SIGKILL");
    await running.kill();
  });
});
