// A TypeScript program with locks under tsx and ts-node, as they are installed, in every way to load the tracer beside
// them: it prints what it prints untraced, and its deadlock is told with places of the source.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { LastDump } from "@unknot/protocol/wire.ts";
import { installPackages } from "../models/install.ts";
import {
  type Ended,
  follow,
  inPairs,
  lineOf,
  type NodeUnderTest,
  node20,
  nodes,
  ownGroup,
  programFolder,
  reading,
  root,
} from "../traced/kit.ts";

const lib = `import type { Mutex } from "async-mutex";

export interface Account {
  readonly lock: Mutex;
}

export async function pause(turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await new Promise<void>((resolve) => setImmediate(resolve));
}
`;

/** What a compiler takes out and adds moves lines and columns. */
const app = `import { Mutex } from "async-mutex";
import type { Server } from "node:http";
import { type Account, pause } from "./lib.js";

enum Kind {
  From = "from",
  To = "to",
}

interface Options {
  readonly server?: Server;
  readonly kind: Kind;
}

const accounts = new Mutex();
const audit = new Mutex();

async function transfer(from: Account, to: Account, { kind }: Options): Promise<void> {
  const release = await from.lock.acquire();
  await pause(kind.length);
  const other = await to.lock.acquire(); // second lock
  other();
  release();
}

async function fails(depth: number): Promise<never> {
  if (depth > 0) return await fails(depth - 1);
  await pause(1);
  throw new Error("on purpose");
}

async function forever(): Promise<void> {
  await new Promise<void>(() => {}); // never ends
}

async function main(): Promise<void> {
  await fails(2).catch((error: Error) => console.log(error.stack?.replaceAll("file://", "")));
  console.log(String(fails), forever.name, Kind.From);
  void forever();
  const [a, b] = [{ lock: accounts }, { lock: audit }];
  await Promise.all([transfer(a, b, { kind: Kind.From }), transfer(b, a, { kind: Kind.To })]);
}

main().then(() => console.log("done"));
`;

const types = ["module", "commonjs"] as const;
type Age = "oldest" | "newest";
type Type = (typeof types)[number];

const ours = "unknot/register";
const tsx = "node_modules/tsx/dist/cli.mjs";
const tsNode = "node_modules/ts-node/dist/bin.js";
const unknot = path.join(root, "dist", "npm", "unknot.mjs");
/** What Node's documentation puts in the place of `--loader ts-node/esm`. */
const tsNodeEsm = `data:text/javascript,import{register}from"node:module";import{pathToFileURL}from"node:url";register("ts-node/esm",pathToFileURL("./"))`;

interface Way {
  readonly name: string;
  readonly plain: readonly string[];
  readonly traced: readonly string[];
  readonly options?: string;
  /** It tells at the end what it has found, and leaves no dump. */
  readonly reports?: true;
}

const tsxWays: readonly Way[] = [
  { name: "tsx --import", plain: [tsx], traced: [tsx, "--import", ours] },
  {
    name: "--import tsx before the tracer",
    plain: ["--import", "tsx"],
    traced: ["--import", "tsx", "--import", ours],
  },
  {
    name: "--import tsx after the tracer",
    plain: ["--import", "tsx"],
    traced: ["--import", ours, "--import", "tsx"],
  },
  { name: "NODE_OPTIONS", plain: [tsx], traced: [tsx], options: `--require ${ours}` },
  { name: "unknot run", plain: [tsx], traced: [unknot, "run", "--", "tsx"], reports: true },
];

/** With `--import` Node itself runs a CommonJS file through its loader of modules, and ts-node does not get it. */
const tsNodeWays: Readonly<Record<Type, readonly Way[]>> = {
  commonjs: [
    { name: "ts-node --require", plain: [tsNode], traced: [tsNode, "--require", ours] },
    {
      name: "--require ts-node before the tracer",
      plain: ["--require", "ts-node/register"],
      traced: ["--require", "ts-node/register", "--require", ours],
    },
    {
      name: "--require ts-node after the tracer",
      plain: ["--require", "ts-node/register"],
      traced: ["--require", ours, "--require", "ts-node/register"],
    },
    { name: "unknot run", plain: [tsNode], traced: [unknot, "run", "--", "ts-node"], reports: true },
  ],
  module: [
    {
      name: "ts-node/esm before the tracer",
      plain: ["--import", tsNodeEsm],
      traced: ["--import", tsNodeEsm, "--import", ours],
    },
    {
      name: "ts-node/esm after the tracer",
      plain: ["--import", tsNodeEsm],
      traced: ["--import", ours, "--import", tsNodeEsm],
    },
  ],
};

const cache = (age: Age) => path.join(root, ".cache", "compilers", age);

for (const age of ["oldest", "newest"] as const) {
  describe(`compilers in the ${age} version`, () => {
    const folder = programFolder();

    before(function () {
      this.timeout(240_000);
      installPackages(fileURLToPath(new URL(`${age}.json`, import.meta.url)), cache(age), []);
      const copy = path.join(cache(age), "node_modules", "unknot");
      rmSync(copy, { recursive: true, force: true });
      cpSync(path.join(root, "dist", "npm"), copy, { recursive: true });
      for (const compiler of ["tsx", "ts-node"]) {
        for (const type of types) {
          const at = `${compiler}-${type}`;
          mkdirSync(folder.file(at));
          symlinkSync(path.join(cache(age), "node_modules"), folder.file(`${at}/node_modules`), "junction");
          folder.write(`${at}/lib.ts`, lib);
          // ts-node finds no source behind the name of what is made of it.
          folder.write(`${at}/app.ts`, at === "ts-node-commonjs" ? app.replace("lib.js", "lib") : app);
          folder.write(`${at}/package.json`, JSON.stringify({ type }));
          folder.write(`${at}/tsconfig.json`, JSON.stringify(configuration(type)));
        }
      }
    });

    const run = (
      at: string,
      args: readonly string[],
      node: NodeUnderTest,
      env: NodeJS.ProcessEnv = {},
    ): Promise<Ended> =>
      follow(
        spawn(node.path, [...args, "app.ts"], {
          cwd: folder.file(at),
          env: {
            ...process.env,
            ...folder.env,
            PATH: [path.dirname(node.path), process.env["PATH"]].join(path.delimiter),
            NODE_NO_WARNINGS: "1",
            NO_COLOR: "1",
            FORCE_COLOR: undefined,
            ...env,
          },
          stdio: ["ignore", "pipe", "pipe"],
          ...ownGroup,
        }),
        folder,
      ).ended;

    /** The dump of the program among those of all processes of a session; tsx starts it as a child. */
    const dumpOf = (session: string): Dump => {
      const dumps = readdirSync(folder.runtimeFolder)
        .filter((each) => each.endsWith(".last.json"))
        .map((each) => JSON.parse(readFileSync(path.join(folder.runtimeFolder, each), "utf8")) as LastDump)
        .filter((each) => each.session === session)
        .map(({ dump }) => dump)
        .filter(({ tasks }) => tasks.some(({ name }) => name === "transfer"));
      const [dump] = dumps;
      assert.ok(dump !== undefined && dumps.length === 1, `${dumps.length} dumps of the program`);
      return dump;
    };

    const assertDump = (dump: Dump) => {
      const { all, task, place } = reading(dump);
      const transfers = all("transfer");
      assert.deepEqual(
        transfers.map(({ at }) => place(at)),
        [`app.ts:${lineOf(app, "second lock")}`, `app.ts:${lineOf(app, "second lock")}`],
      );
      assert.equal(place(task("forever").at), `app.ts:${lineOf(app, "never ends")}`);
      assert.deepEqual(dump.resources.map(({ name }) => name).sort(), ["accounts", "audit"]);
      assert.ok(
        dump.problems.some(({ verdict }) => verdict === "deadlock"),
        JSON.stringify(dump.problems),
      );
      assert.deepEqual(dump.coverage.instrumented, ["async-mutex@0.5.0"]);
      assert.deepEqual(dump.coverage.untouched, []);
    };

    const assertReport = (report: string) => {
      for (const each of [
        "lock-order-inversion, deadlock, proved",
        `app.ts:${lineOf(app, "second lock")}:`,
        `app.ts:${lineOf(app, "never ends")}:`,
      ])
        assert.ok(report.includes(each), `${each} is not in:\n${report}`);
    };

    const itIsTraced = (compiler: string, type: Type, node: NodeUnderTest, ways: readonly Way[]) => {
      it(`traces a ${type} program of ${compiler}: ${node.name}`, async () => {
        const at = `${compiler}-${type}`;
        const untracedRuns = new Map<string, Promise<Ended>>();
        const runUntraced = (args: readonly string[]) => {
          const key = args.join(" ");
          const known = untracedRuns.get(key) ?? run(at, args, node);
          untracedRuns.set(key, known);
          return known;
        };
        await inPairs(ways, async ({ name, plain, traced, options, reports }) => {
          const session = `${name} ${Math.random()}`;
          const untraced = await runUntraced(plain);
          assert.equal(untraced.code, 0, untraced.stderr);
          assert.match(untraced.stdout, /app\.ts:\d+:\d+/);
          const { code, stdout, stderr } = await run(at, traced, node, {
            ...(options === undefined ? {} : { NODE_OPTIONS: options }),
            ...(reports === true
              ? {}
              : { UNKNOT_SESSION: session, UNKNOT_LAST_DUMP: "always", UNKNOT_REPORT_STDERR: "0" }),
          });
          assert.equal(stdout, untraced.stdout, name);
          if (reports === true) assertReport(stderr);
          else {
            assert.deepEqual([code, stderr], [untraced.code, untraced.stderr], name);
            assertDump(dumpOf(session));
          }
        });
      });
    };

    for (const node of age === "oldest" ? nodes.slice(0, 1) : [...node20(), ...nodes]) {
      for (const type of types) {
        itIsTraced("tsx", type, node, tsxWays);
        if (age === "newest") itIsTraced("ts-node", type, node, tsNodeWays[type]);
      }
    }
  });
}

function configuration(type: Type): object {
  const module = type === "module" ? "nodenext" : "commonjs";
  return {
    compilerOptions: {
      target: "es2022",
      module,
      moduleResolution: type === "module" ? module : "node10",
      strict: true,
      esModuleInterop: true,
      skipLibCheck: true,
      types: ["node"],
    },
  };
}
