// Every library that is instrumented, the real one, at the oldest and the newest version that its model claims, by
// `import` and by `require`: it does the same traced, a dump shows who holds and who waits, and what has ended is gone.
// All libraries of an age and a form run in one process: starting one each would take minutes.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import { buildSync } from "esbuild";
import { folderOf, installLibraries } from "../models/install.ts";
import { inPairs, node20, nodes, programFolder, reading, run, runToLastDump, start } from "./kit.ts";
import { randomName } from "./random-names.ts";
import { builtins } from "./samples/builtins.ts";
import { channels, limiters, queues } from "./samples/channels.ts";
import { locks } from "./samples/locks.ts";
import { moreLocks } from "./samples/more-locks.ts";
import { pools } from "./samples/pools.ts";
import { remote } from "./samples/remote.ts";
import type { Age, Form, Sample } from "./samples/sample.ts";
import { workers } from "./samples/workers.ts";

const samples: Readonly<Record<string, Sample>> = {
  ...locks,
  ...moreLocks,
  ...channels,
  ...queues,
  ...limiters,
  ...pools,
  ...remote,
  ...workers,
  ...builtins,
};

/** One library as it is used in one module. */
interface Use {
  readonly title: string;
  readonly sample: Sample;
  /** The random names that stand for the gaps. */
  readonly names: ReadonlyMap<string, string>;
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isBundled({ specifier, isFiles }: Sample, title: string): boolean {
  return isFiles !== true && !(specifier ?? title).startsWith("node:");
}

function usesOf(age: Age, form: Form): readonly Use[] {
  return Object.entries(samples)
    .filter(([, { not = [] }]) => [age, form, `${age}-${form}` as const].every((each) => !not.includes(each)))
    .map(([title, sample]) => {
      const text = [
        sample.setUp,
        sample.behaves,
        sample.scene,
        ...sample.tasks.map((task) => `$${task}`),
      ].join();
      const gaps = [...new Set([...text.matchAll(/\$([a-z]\w*)/gi)].map(([, gap]) => gap ?? ""))];
      const names = new Map(gaps.map((gap) => [gap, randomName(`${title} ${gap} ${age} ${form}`)]));
      return { title, sample, names };
    });
}

function filled({ names }: Use, code: string): string {
  return code.replaceAll(/\$([a-z]\w*)/gi, (_, gap: string) => names.get(gap) ?? gap);
}

function moduleOf(use: Use, form: Form, part: "behaves" | "scene"): string {
  const { sample, title } = use;
  const specifier = sample.specifier ?? title;
  const load =
    form === "esm" ? `import * as lib from "${specifier}";` : `const lib = require("${specifier}");`;
  const setUp =
    form === "esm"
      ? sample.setUp
      : sample.setUp.replaceAll(
          /import (\{[^}]*\}|\w+) from ("[^"]*");/g,
          (_, names: string, from: string) => `const ${names.replaceAll(" as ", ": ")} = require(${from});`,
        );
  const tools = `const tick = () => new Promise(setImmediate);
const of = (name) => lib[name] ?? lib.default?.[name];
const main = lib.default?.default ?? lib.default ?? lib;`;
  const exporting = form === "esm" ? "export const run =" : "exports.run =";
  const body =
    part === "behaves"
      ? `${exporting} async (log) => {\n${sample.behaves}\n};`
      : `${sample.scene}\n${exporting} () => { ${sample.tasks.map((task) => `$${task}();`).join(" ")} };`;
  return filled(use, `${load}\n${tools}\n${setUp}\n${body}\n`);
}

const mainOf = (uses: readonly Use[], form: Form, part: "behaves" | "scene") => `
// Node 20 has it not.
Promise.withResolvers ??= () => { const made = {}; made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject })); return made; };
const modules = ${JSON.stringify(uses.map((_, index) => `./${part}-${index}.${form === "esm" ? "mjs" : "cjs"}`))};
${
  part === "scene"
    ? `for (const each of modules) (await import(each)).run();
console.log("begun");
setInterval(() => {}, 1000);`
    : `for (const each of modules) {
  const lines = [];
  const log = (...words) => lines.push(words.map((word) => (typeof word === "object" ? JSON.stringify(word) : String(word))).join(" "));
  try { await (await import(each)).run(log); } catch (error) { log("FAILED", error.stack); }
  console.log(JSON.stringify(lines));
}
// What ends by itself, such as processes and threads, may take a while.
const left = () => globalThis["__unk" + "not__"]?.api.dump("test").resources.length ?? 0;
for (let looks = 0; looks < 2 || (left() > 0 && looks < 400); looks++) await new Promise((resolve) => setTimeout(resolve, 25));
process.exit();`
}
`;

describe("the instrumentation of every library", () => {
  const folder = programFolder();
  const used = new Map<string, readonly Use[]>();
  before(function () {
    this.timeout(600_000);
    installLibraries();
    for (const age of ["oldest", "newest"] as const) {
      for (const form of ["esm", "cjs"] as const) {
        const uses = usesOf(age, form);
        const place = `${age}-${form}`;
        used.set(place, uses);
        for (const { sample, title } of uses)
          for (const name of [sample.specifier ?? title, ...(sample.uses ?? [])]) link(age, place, name);
        for (const part of ["behaves", "scene"] as const) {
          for (const [index, use] of uses.entries())
            folder.write(
              `${place}/${part}-${index}.${form === "esm" ? "mjs" : "cjs"}`,
              moduleOf(use, form, part),
            );
          folder.write(`${place}/${part}.mjs`, mainOf(uses, form, part));
        }
        const extension = form === "esm" ? "mjs" : "cjs";
        folder.write(
          `${place}/bundle-me.mjs`,
          `${uses
            .flatMap(({ sample, title }, index) =>
              isBundled(sample, title)
                ? [`import * as scene${index} from "./scene-${index}.${extension}"; scene${index}.run();`]
                : [],
            )
            .join(
              "\n",
            )}\nconsole.log("begun");\nsetInterval(() => process.env.SHORT && process.exit(), 100);\n`,
        );
        for (const [name, minify] of [
          ["bundle", false],
          ["small", true],
        ] as const) {
          buildSync({
            entryPoints: [folder.file(`${place}/bundle-me.mjs`)],
            outfile: folder.file(`${place}/${name}.${extension}`),
            format: form,
            bundle: true,
            minify,
            sourcemap: true,
            platform: "node",
            logLevel: "error",
            absWorkingDir: folder.path,
            external: ["pg-native"],
            ...(form === "esm"
              ? {
                  banner: {
                    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
                  },
                }
              : {}),
          });
        }
      }
    }
  });

  const link = (age: Age, place: string, specifier: string) => {
    const name = packageOf(specifier);
    if (name.startsWith("node:")) return;
    const at = folder.file(`${place}/node_modules/${name}`);
    if (existsSync(at)) return;
    mkdirSync(path.dirname(at), { recursive: true });
    symlinkSync(path.join(folderOf(age), "node_modules", name), at, "junction");
  };

  const node24 = nodes.find(({ name }) => name === "Node 24");
  if (node24 !== undefined) {
    it("shows who holds and who waits for locks by name, which Node has from 24 on", async () => {
      const name = randomName("web locks");
      folder.write(
        "web-locks.mjs",
        `const { locks } = navigator;
async function holds() { await locks.request("${name}", inside); }
async function inside() { await new Promise(() => {}); }
async function waits() { await locks.request("${name}", { mode: "shared" }, async () => {}); }
async function passes() { await locks.request("${name}", { ifAvailable: true }, async () => {}); }
console.log(await locks.request("${name}", async (lock) => lock.name === "${name}"), locks.request.length, locks.request.name);
holds(); waits(); await passes();
setInterval(() => {}, 1000);
`,
      );
      const running = start(folder, "web-locks.mjs", { node: node24 });
      const client = await running.connect();
      const dump = await client.dumpWhen("both to wait", (each) =>
        reading(each)
          .all("waits")
          .some(({ state }) => state === "rwlock.rlock"),
      );
      const { task, nameOf } = reading(dump);
      const [lock] = dump.resources;
      assert.deepEqual(
        [
          lock?.kind,
          lock?.capacity,
          lock?.holders.map((hold) => nameOf(hold.task)),
          lock?.waiters.map(nameOf),
        ],
        ["rwlock", 1, ["inside"], ["waits"]],
      );
      assert.deepEqual(task("waits").holding, []);
      assert.ok(running.stdout().startsWith("true 2 request"), running.stdout());
      await running.kill();
    });
  }

  const oldest = node20();
  for (const node of [...nodes, ...oldest]) {
    // Many of the newest do not run on an old Node.
    for (const age of oldest.includes(node) ? (["oldest"] as const) : (["oldest", "newest"] as const)) {
      for (const form of ["esm", "cjs"] as const) {
        describe(`${node.name}, ${age}, ${form}`, () => {
          const place = `${age}-${form}`;
          const uses = () => used.get(place) ?? [];

          it("changes nothing that it does, and forgets what has ended", async () => {
            // Old libraries set timers to times that have passed, and newer Nodes warn of that.
            const env = { UNKNOT_REPORT_STDERR: "0", NODE_NO_WARNINGS: "1" };
            const [plain, traced] = await inPairs([false, true], (each) =>
              each
                ? runToLastDump(folder, `${place}/behaves.mjs`, { node, env })
                : run(folder, `${place}/behaves.mjs`, { node, traced: false, env }),
            );
            const linesOf = (text = "") =>
              text
                .trim()
                .split("\n")
                .map((line, index): [string, unknown] => [uses()[index]?.title ?? "?", JSON.parse(line)]);
            const expected = linesOf(plain?.stdout);
            for (const [title, lines] of expected)
              assert.ok(!JSON.stringify(lines).includes("FAILED"), `${title}: ${JSON.stringify(lines)}`);
            assert.deepEqual(linesOf(traced?.stdout), expected);
            assert.deepEqual([traced?.stderr, traced?.code], [plain?.stderr, plain?.code]);
            assert.equal(expected.length, uses().length);
            const { dump } = (traced as Awaited<ReturnType<typeof runToLastDump>>).last;
            const left = dump.resources.map(({ type, holders, waiters }) => [
              type,
              holders.length,
              waiters.length,
            ]);
            // On a busy machine the loop may really stand while so many libraries are loaded.
            const problems = dump.problems.filter(({ verdict }) => verdict !== "loop-blocked");
            assert.deepEqual([left, problems], [[], []]);
            assert.deepEqual(errorsIn(dump), []);
          });

          const shows = async (program: string, all: readonly Use[]) => {
            const running = start(folder, `${place}/${program}`, { node });
            // Dumps of a program that still loads some seventy libraries would only slow it down.
            await running.printed("begun");
            const client = await running.connect();
            let last: Dump | undefined;
            const dump = await client
              .dumpWhen("all to wait", (each) => {
                last = each;
                return all.every((use) => missing(use, each).length === 0);
              })
              .catch((error: unknown) => {
                const lacks = all.flatMap((use) =>
                  last === undefined ? [] : missing(use, last).map((one) => `${use.title}: ${one}`),
                );
                throw new Error(
                  `${lacks.join("\n")}\n${running.stderr()}${String(error).slice(0, 200)}, exit code ${running.child.exitCode}`,
                );
              });
            for (const use of all) assert.deepEqual(missing(use, dump), [], use.title);
            assert.deepEqual(errorsIn(dump), []);
            await running.kill();
            return dump;
          };

          it("shows who holds and who waits", async () => {
            await shows("scene.mjs", uses());
          });

          // Bundles are the same for every Node.
          if (node !== nodes[0]) return;

          it("shows it in a bundle, too", async () => {
            const all = uses().filter(({ sample, title }) => isBundled(sample, title));
            await shows(`bundle.${form === "esm" ? "mjs" : "cjs"}`, all);
          });

          it("says what of a minified bundle it does not see", async () => {
            const { last } = await runToLastDump(folder, `${place}/small.${form === "esm" ? "mjs" : "cjs"}`, {
              node,
              env: { SHORT: "1" },
            });
            const said = last.dump.coverage.untouched.map(({ reason }) => reason).join();
            for (const { sample, title } of uses().filter((use) => isBundled(use.sample, use.title))) {
              const name = packageOf(sample.specifier ?? title);
              assert.ok(
                said.includes(`in ${name === "pg" ? "pg-pool" : name} is not seen`),
                `${name}: ${said}`,
              );
            }
            assert.deepEqual(last.dump.coverage.instrumented, []);
          });
        });
      }
    }
  }
});

/** Threads and children are said in the coverage, too. */
function errorsIn({ coverage }: Dump): readonly string[] {
  return coverage.blind.filter((each) => each.startsWith("errors"));
}

const plainStates: Readonly<Record<string, readonly string[]>> = {
  mutex: ["mutex.lock"],
  semaphore: ["semaphore.acquire"],
  rwlock: ["rwlock.lock", "rwlock.rlock"],
  pool: ["pool.acquire"],
  channel: ["chan send", "chan receive"],
  queue: ["queued", "join"],
  waitgroup: ["join"],
  event: ["event.wait"],
  stream: ["chan send", "chan receive", "stream.drain"],
};

/** What a dump does not say of a scene, or says otherwise. */
function missing({ sample, names }: Use, dump: Dump): readonly string[] {
  const { shows } = sample;
  const { all, nameOf, place } = reading(dump);
  const called = (task: string) =>
    names.get(task) ?? task.replaceAll(/\$(\w+)/g, (_, gap: string) => names.get(gap) ?? gap);
  const wanted = [...(shows.waiters ?? []), ...(shows.others ?? [])];
  const [first] = wanted;
  if (first === undefined) return ["nobody waits"];
  const wait = all(called(first))[0]?.wait;
  const resource = dump.resources.find((each) => wait?.on === "resource" && each.id === wait.resource);
  if (resource === undefined)
    return [`${first} waits for ${wait?.on ?? "nothing"}, ${all(called(first))[0]?.state}`];
  const problem = dump.problems.find(
    ({ verdict, tasks }) =>
      shows.problem?.[0] === verdict &&
      tasks.some((task) => nameOf(task) === called(shows.problem?.[1] ?? "")),
  );
  const backwards = new Map([...names].map(([gap, name]) => [name, gap]));
  const gapOf = (name = "nobody") =>
    backwards.get(name) ??
    name.replaceAll(/\w+/g, (word) => (backwards.has(word) ? `$${backwards.get(word)}` : word));
  const seen = {
    kind: resource.kind,
    capacity: resource.capacity,
    named: resource.name === undefined || backwards.has(resource.name),
    holders: resource.holders.map((hold) => gapOf(nameOf(hold.task))).sort(),
    waiters: resource.waiters.map((task) => gapOf(nameOf(task))),
    states: wanted.map((task) => all(called(task))[0]?.state),
    length: shows.length === undefined ? undefined : resource.length,
    problem: shows.problem === undefined || problem !== undefined,
    places: resource.holders.every((hold) => hold.site === undefined || place(hold.site) !== undefined),
  };
  const states = wanted.map((task, index) => {
    const given = shows.states?.[task];
    const state = seen.states[index];
    return (
      given ?? (plainStates[shows.kind]?.includes(state ?? "") ? state : plainStates[shows.kind]?.join("|"))
    );
  });
  const expected = {
    kind: shows.kind,
    capacity: shows.capacity,
    named: true,
    holders: [...(shows.holders ?? [])].sort(),
    waiters: [...(shows.waiters ?? [])],
    states,
    length: shows.length,
    problem: true,
    places: true,
  };
  return Object.keys(expected).flatMap((key) => {
    const [is, should] = [seen, expected].map((one) => JSON.stringify(one[key as keyof typeof seen]));
    return is === should ? [] : [`${key} ${is}, not ${should}`];
  });
}
