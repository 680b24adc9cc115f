// How long the panel's rows take and what they cost, by the number of tasks: all that happens between opening a view and
// VS Code's drawing of it, with a real traced program on the other side.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLaunches, type Launches } from "@unknot/client/sessions/launches.ts";
import { registeredThreads } from "@unknot/client/sessions/runtime-folder-watch.ts";
import type { Session } from "@unknot/client/sessions/session.ts";
import { rowsOf } from "@unknot/client/views/diagnosis/model.ts";
import { rowsOfPage } from "@unknot/client/views/tasks/model.ts";
import { createPages, type Pages } from "@unknot/client/views/tree/pages.ts";
import type { TaskQuery } from "@unknot/protocol/task-list.ts";
import { median } from "./process-cost.ts";

const sizes = [1_000, 10_000, 100_000, 1_000_000];
/** Overviews in a row, for what stays behind of each. */
const refreshes = 300;

const lists: Readonly<Record<string, TaskQuery>> = {
  groups: { filter: "", by: "stack", order: "problem" },
  "every task": { filter: "", by: "flat", order: "wait" },
  filtered: { filter: "visitor7 wait>1ms", by: "stack", order: "count" },
  waits: { filter: "", by: "waits-for", order: "problem" },
};

export async function benchPanel({ runs }: { readonly runs: number }): Promise<void> {
  const register = path.join(
    path.dirname(fileURLToPath(import.meta.url)),
    "..",
    "dist",
    "npm",
    "register.cjs",
  );
  if (!existsSync(register)) throw new Error("The tracer is not built: run 'npm run build' first.");
  console.log(`panel, from asking to rows (${runs} runs each, medians)`);
  for (const tasks of sizes) await benchSize(register, { tasks, runs, waitsFor: "nothing known" });
  await benchSize(register, { tasks: 100_000, runs, waitsFor: "one lock" });
}

interface Crowd {
  readonly tasks: number;
  readonly runs: number;
  readonly waitsFor: "nothing known" | "one lock";
}

async function benchSize(register: string, { tasks, runs, waitsFor }: Crowd): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-bench-panel-"));
  const runtimeFolder = path.join(folder, `unknot-${userInfo().uid}`);
  mkdirSync(runtimeFolder, { mode: 0o700 });
  const program = path.join(folder, "crowd.mjs");
  writeFileSync(program, crowd(waitsFor));
  const child = spawn(process.execPath, ["--require", register, program, String(tasks)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: "", UNKNOT_SESSION: "" },
  });
  const launches = createLaunches({
    pollMs: 1_000_000,
    membersPerGroup: 20,
    mostTasks: 5000,
    healthyAfterMs: 5000,
    remains: () => false,
    isMuted: () => false,
    overdueMs: 1_000_000,
    log: (line) => console.log(line),
  });
  try {
    if (!child.stdout) throw new Error("no output");
    await once(child.stdout, "data");
    const session = await attach(launches, runtimeFolder);
    const before = heapMb();
    const overviews: number[] = [];
    const times = new Map(Object.keys(lists).map((name) => [name, [] as number[]]));
    for (let run = 0; run < runs; run++) {
      overviews.push(await timed(() => diagnosis(launches, session)));
      for (const [name, query] of Object.entries(lists)) {
        times.get(name)?.push(await timed(() => list(createPages(launches), session, query)));
      }
    }
    const held = heapMb() - before;
    const row = [...times].map(([name, own]) => `${name} ${median(own).toFixed(0)}`).join(", ");
    console.log(
      `  ${tasks.toLocaleString("en-US").padStart(9)} tasks that wait for ${waitsFor}: diagnosis ${median(overviews).toFixed(0)} ms, then ${row} ms; ` +
        `the view's process holds ${held.toFixed(1)} MB, the program has ${residentMb(child)} MB`,
    );
    if (tasks === sizes[0]) {
      const start = heapMb();
      const took = await timed(async () => {
        for (let count = 0; count < refreshes; count++) await diagnosis(launches, session);
      });
      console.log(
        `  ${refreshes} overviews in a row: ${(took / refreshes).toFixed(1)} ms each, ${(heapMb() - start).toFixed(1)} MB more in the view's process, the program has ${residentMb(child)} MB`,
      );
    }
  } finally {
    launches.dispose();
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Tasks that wait at 50 places. */
function crowd(waitsFor: Crowd["waitsFor"]): string {
  const isLock = waitsFor === "one lock";
  const kinds = Array.from(
    { length: 50 },
    (_, index) => `async function visitor${index}() {\n  await ${isLock ? "till.acquire()" : "never"};\n}`,
  );
  const asyncMutex = createRequire(import.meta.url).resolve("async-mutex");
  const waited = isLock
    ? `import { createRequire } from "node:module";
const { Mutex } = createRequire(import.meta.url)(${JSON.stringify(asyncMutex)});
const till = new Mutex();`
    : "const never = new Promise(() => {});";
  return `${waited}
${kinds.join("\n")}
const kinds = [${kinds.map((_, index) => `visitor${index}`).join(", ")}];
const many = Number(process.argv[2]);
for (let count = 0; count < many; count++) void kinds[count % kinds.length]();
setInterval(() => {}, 1000);
process.stdout.write("ready\\n");
`;
}

async function attach(launches: Launches, folder: string): Promise<Session> {
  for (;;) {
    const [thread] = registeredThreads(folder);
    if (thread) {
      launches.attach(thread);
      break;
    }
    await sleep(10);
  }
  for (;;) {
    const [session] = launches.askable();
    if (session?.snapshot().overview) return session;
    await sleep(10);
  }
}

async function diagnosis(launches: Launches, session: Session): Promise<void> {
  await session.refresh();
  for (const row of rowsOf(launches.list())) row.children?.();
}

async function list(pages: Pages, session: Session, request: TaskQuery): Promise<void> {
  const snapshot = session.snapshot();
  const below = { session: session.id, level: "top", request };
  const page = await pages.page(below, snapshot.overview?.capturedAt ?? 0);
  if (!page || rowsOfPage(snapshot, below, page).length === 0) throw new Error("The list has no rows.");
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 1e6;
}

function residentMb({ pid }: ChildProcess): string {
  if (process.platform !== "linux") return "?";
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kilobytes) / 1e3).toFixed(0);
}
