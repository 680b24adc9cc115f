// A loop that does not turn: what blocks it is read from outside while it blocks, and the program goes on as if nobody
// had looked.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readDumps } from "@unknot/dump/formats/read.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { lineOf, nodes, programFolder, reading, start, until } from "./kit.ts";

const never = "new Promise(() => {})";
const blocking = (inner: string) => `function crunch() {
  const end = Date.now() + 60_000;
  ${inner} // here
}
const parse = () => { crunch(); }; // caller
async function job() { await null; parse(); } // task
console.log("ready");
setTimeout(job, 50);
process.on("SIGUSR2", () => {});
`;

const programs = {
  "spins.mjs": blocking("while (Date.now() < end && !globalThis.over);"),
  "spins.mts": `interface Unused { a: number }\n${blocking("while ((Date.now() as number) < end);")}`,
  "sleeps.mjs": blocking("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);"),
  "comes-back.mjs": `import { existsSync } from "node:fs";
function crunch() { while (!existsSync(process.argv[2])); }
console.log("ready");
setTimeout(() => { crunch(); console.log("free"); setTimeout(() => { console.log("end"); }, 10); }, 50);
`,
  "opens-inspector.mjs": `import inspector from "node:inspector";
inspector.open(0, "127.0.0.1");
console.log(inspector.url());
const timer = setInterval(() => {
  if (!globalThis.attached) return;
  clearInterval(timer);
  debugger;
  console.log("resumed");
  setInterval(() => {}, 1000);
}, 20);
`,
  "waits.mjs": `import { Worker } from "node:worker_threads";
async function waits() { await ${never}; }
waits();
new Worker(new URL("./in-thread.mjs", import.meta.url)).once("online", () => console.log("ready"));
`,
  "in-thread.mjs": `(async function inThread() { await ${never}; })(); setInterval(() => {}, 1000);\n`,
};

describe("a loop that does not turn", () => {
  const folder = programFolder(programs);
  // A loop that loads the program for long stands, too.
  const isBlocked = ({ loop, sites }: Dump) =>
    loop.state === "blocked" && loop.stack?.some((index) => sites[index]?.function === "crunch") === true;

  for (const node of nodes) {
    describe(node.name, () => {
      for (const name of ["spins.mjs", "spins.mts", "sleeps.mjs"] as const) {
        it(`shows the stack of what blocks it: ${name}`, async () => {
          const running = start(folder, name, { node, options: ["--no-warnings"] });
          await running.printed("ready");
          const client = await running.connect();
          const dump = await client.dumpWhen("the stack", isBlocked);
          const { place } = reading(dump);
          const frames = (dump.loop.stack ?? []).filter(
            (index) => !dump.sites[index]?.file.startsWith("node:"),
          );
          assert.deepEqual(
            frames.map((index) => [dump.sites[index]?.function, place(index)]),
            [
              ["crunch", `${name}:${lineOf(programs[name], "here")}`],
              ["parse", `${name}:${lineOf(programs[name], "caller")}`],
              ["job", `${name}:${lineOf(programs[name], "task")}`],
            ],
          );
          // Columns are those of the file, not of the code that runs.
          const source = programs[name].split("\n");
          const caller = dump.sites[frames[1] ?? -1];
          assert.equal(
            source[(caller?.line ?? 0) - 1]?.slice((caller?.column ?? 0) - 1).slice(0, 8),
            "crunch()",
          );
          const [problem] = dump.problems.filter(({ verdict }) => verdict === "loop-blocked");
          assert.match(
            problem?.message ?? "",
            /has not turned for [\d.]+ s while 'crunch' runs at spins\.m[jt]s:|'crunch' runs at sleeps\.mjs:/,
          );
          await running.kill();
        });
      }

      it("goes on afterwards as if nobody had looked", async () => {
        const enough = folder.file(`enough-${node.name.replaceAll(/\W/g, "")}`);
        const running = start(folder, "comes-back.mjs", { node, args: [enough] });
        await running.printed("ready");
        const client = await running.connect();
        await client.dumpWhen("the stack", isBlocked);
        await client.dump();
        client.close();
        writeFileSync(enough, "");
        assert.deepEqual(await running.ended, {
          code: 0,
          signal: null,
          stdout: "ready\nfree\nend\n",
          stderr: "",
        });
      });

      it("stays stopped where a debugger has stopped it that came later", async () => {
        const running = start(folder, "opens-inspector.mjs", { node });
        await running.printed("ws://");
        const [url = ""] = /ws:\S+/.exec(running.stderr() + running.stdout()) ?? [];
        const socket = new WebSocket(url);
        const events: string[] = [];
        socket.onmessage = ({ data }) => {
          const { method } = JSON.parse(String(data)) as { method?: string };
          if (method?.startsWith("Debugger.paused") || method?.startsWith("Debugger.resumed"))
            events.push(method);
        };
        await new Promise((resolve) => {
          socket.onopen = resolve;
        });
        socket.send(JSON.stringify({ id: 1, method: "Debugger.enable" }));
        socket.send(
          JSON.stringify({
            id: 2,
            method: "Runtime.evaluate",
            params: { expression: "globalThis.attached = true" },
          }),
        );
        const client = await running.connect();
        await until("the debugger to stop it", () => (events.length > 0 ? true : undefined));
        const isLong = ({ loop }: Dump) => loop.state === "blocked" && loop.sinceMs > 2500;
        await client.dumpWhen("the loop to stand", isLong);
        await client.dump();
        assert.deepEqual(events, ["Debugger.paused"]);
        socket.send(JSON.stringify({ id: 3, method: "Debugger.resume" }));
        await running.printed("resumed");
        socket.close();
        await running.kill();
      });

      it("shows the lines also under a debugger, which notices nothing", async () => {
        const running = start(folder, "spins.mjs", { node, options: ["--inspect=127.0.0.1:0"] });
        await running.printed("ready");
        const url = await until("the inspector", () => /ws:\S+(?=\n)/.exec(running.stderr())?.[0]);
        const socket = new WebSocket(url);
        const stops: string[] = [];
        const answered: number[] = [];
        socket.onmessage = ({ data }) => {
          const { id, method } = JSON.parse(String(data)) as { id?: number; method?: string };
          if (id !== undefined) answered.push(id);
          if (method === "Debugger.paused") stops.push(method);
        };
        await new Promise((resolve) => {
          socket.onopen = resolve;
        });
        socket.send(JSON.stringify({ id: 1, method: "Debugger.enable" }));
        const params = { state: "all" };
        socket.send(JSON.stringify({ id: 2, method: "Debugger.setPauseOnExceptions", params }));
        await until("the debugger to listen", () => (answered.includes(2) ? true : undefined));
        const client = await running.connect();
        const dump = await client.dumpWhen("the stack", isBlocked);
        const { place } = reading(dump);
        const lines = (dump.loop.stack ?? [])
          .filter((index) => !dump.sites[index]?.file.startsWith("node:"))
          .map(place);
        const source = programs["spins.mjs"];
        assert.deepEqual(
          lines,
          ["here", "caller", "task"].map((mark) => `spins.mjs:${lineOf(source, mark)}`),
        );
        assert.match(dump.problems[0]?.message ?? "", /while 'crunch' runs/);
        socket.send(JSON.stringify({ id: 3, method: "Runtime.enable" }));
        await until("the debugger to be answered", () => (answered.includes(3) ? true : undefined));
        assert.deepEqual(stops, []);
        socket.close();
        await running.kill();
      });
    });
  }
});

describe("a dump by signal", function () {
  if (process.platform === "win32") this.pending = true;
  const folder = programFolder(programs);

  for (const node of nodes) {
    describe(node.name, () => {
      const ready = async (env: NodeJS.ProcessEnv) => {
        const running = start(folder, "waits.mjs", { node, env: { UNKNOT_DUMP_SIGNAL: "SIGUSR2", ...env } });
        await running.printed("ready");
        await running.connect((each) => each.pid === running.pid && each.threadId > 0);
        return running;
      };
      const names = (text: string) =>
        readDumps(text)
          .dumps.flatMap((dump) => dump.tasks.map((task) => `${dump.by}: ${task.name}`))
          .sort();
      const both = ["signal: inThread", "signal: waits"];

      it("goes to standard error", async () => {
        const running = await ready({});
        running.child.kill("SIGUSR2");
        await until("both threads", () =>
          running.stderr().match(/^# end/gm)?.length === 2 ? true : undefined,
        );
        assert.deepEqual(names(running.stderr()), both);
        await running.kill();
      });

      it("goes to a file, one behind the other", async () => {
        const file = folder.file(`dumps-${node.name.replaceAll(/\W/g, "")}.taskdump`);
        const running = await ready({ UNKNOT_DUMP_FILE: file });
        const ends = () =>
          existsSync(file) ? (readFileSync(file, "utf8").match(/^# end/gm)?.length ?? 0) : 0;
        for (const wanted of [2, 4]) {
          running.child.kill("SIGUSR2");
          await until(`${wanted} dumps`, () => (ends() === wanted ? true : undefined));
        }
        assert.deepEqual(names(readFileSync(file, "utf8")), [...both, ...both].sort());
        assert.equal(running.stderr(), "");
        await running.kill();
      });

      it("goes into a folder, a file for each", async () => {
        const target = folder.file(`folder-${node.name.replaceAll(/\W/g, "")}`);
        folder.write(path.join(path.basename(target), "other.txt"), "");
        const running = await ready({ UNKNOT_DUMP_FILE: target, UNKNOT_DUMP_SIGNAL: "USR2" });
        running.child.kill("SIGUSR2");
        const files = () => readdirSync(target).filter((name) => name.endsWith(".taskdump"));
        await until("two files", () => (files().length === 2 ? true : undefined));
        await until("whole dumps", () =>
          files().every((name) => readFileSync(path.join(target, name), "utf8").includes("# end"))
            ? true
            : undefined,
        );
        assert.deepEqual(
          files()
            .flatMap((name) => names(readFileSync(path.join(target, name), "utf8")))
            .sort(),
          both,
        );
        await running.kill();
      });

      it("is only said not to be possible when the file can't be written", async () => {
        const running = await ready({ UNKNOT_DUMP_FILE: "/no/such/folder/file.json" });
        running.child.kill("SIGUSR2");
        await until("two complaints", () =>
          running.stderr().match(/unknot: no dump could be written: .*\n/g)?.length === 2 ? true : undefined,
        );
        await (await running.connect()).dump();
        await running.kill();
      });

      it("needs to be asked for: the signal ends the program as it would untraced", async () => {
        const running = start(folder, "waits.mjs", { node });
        await running.printed("ready");
        running.child.kill("SIGUSR2");
        assert.equal((await running.ended).signal, "SIGUSR2");
      });
    });
  }
});
