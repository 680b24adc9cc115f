// Whatever the tracer can't do, the program runs, and the dump says what was not seen.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { copyPackage, nodes, programFolder, reading, registerFile, run, runToLastDump } from "./kit.ts";

const async_ = `async function waits() { await new Promise(() => {}); }\nwaits();\nconsole.log("ran");\n`;
const many = Array.from(
  { length: 20_000 },
  (_, index) => `const f${index} = async (x) => { await x; return ${index}; };`,
).join("\n");

describe("a program that can't be traced in full", () => {
  const folder = programFolder({
    "fine.mjs": async_,
    "broken.mjs": "async function (",
    "imports-broken.mjs": `import "./fine.mjs";\nawait import("./broken.mjs").catch((error) => console.log(error.name));\n`,
    "tab.mjs": `const text = "\v";\n${async_}console.log(text.length);\n`,
    "name.mjs": `const __unknot__ = 5;\n${async_}console.log(__unknot__);\n`,
    "twice.cjs": `async function twice(x) { var $unknot; { async function twice() {} } await x; }\n${async_}`,
    "enum.mts": `enum Color { Red }\n${async_}console.log(Color.Red);\n`,
    "decorated.mts": `function log(_: unknown, context: { name: string }) { console.log(context.name); }\nexport class A { async run() { await null; } }\n${async_}`,
    "jsx.mjs": `const x = <div/>;\n`,
    "huge.mjs": `${many}\nconsole.log(await f19999());\n`,
    "one-line.mjs": `${many.split("\n", 5000).join("")}console.log(await f4999());\n`,
    "other/lock.mjs": `import { Mutex } from "async-mutex";\nconst lock = new Mutex();\nawait lock.runExclusive(async () => console.log("held"));\n`,
    "node_modules/elsewhere/index.js": `module.exports = async () => { await null; return "dependency"; };\n`,
    "uses-dependency.mjs": `import elsewhere from "elsewhere";\nconsole.log(await elsewhere());\n`,
    "freezes.mjs": `Object.freeze(globalThis); Object.freeze(Promise.prototype); Object.freeze(Function.prototype);\n${async_}`,
    "few.mjs": `const gate = new Promise(() => {});\nfor (let each = 0; each < 100; each++) (async function waits() { await gate; })();\n`,
    "patched.mjs": `Array.prototype.push = () => { throw new Error("push"); };
Map.prototype.get = Map.prototype.set = WeakMap.prototype.get = () => { throw new Error("get"); };
Array.isArray = Object.getPrototypeOf = Reflect.apply = JSON.stringify = () => { throw new Error("patched"); };
(async () => { await Promise.all([1, (async () => { await null; return 2; })()]); console.log("ran"); })();
`,
    "proxies.mjs": `const wild = new Proxy({}, { get() { throw new Error("get"); }, has() { throw new Error("has"); }, getPrototypeOf() { throw new Error("proto"); } });
const thenable = { get then() { console.log("then is read"); return undefined; } };
const f = async () => { await null; return thenable; };
console.log(await Promise.allSettled([f(), (async () => { await wild; })()]).then((all) => all.map((each) => each.status).join()));
await Promise.all(new Set([f()]));
try { await Promise.all(wild); } catch (error) { console.log(error.message); }
`,
  });

  it("says once what its variables may be when they say something else, and runs on", async () => {
    const env = {
      UNKNOT_DUMP_SIGNAL: "FOO",
      UNKNOT_MODE: "lene",
      UNKNOT_REPORT_STDERR: "0",
      UNKNOT_RUNTIME_FOLDER: folder.file("nowhere/x"),
    };
    const { code, stdout, stderr } = await run(folder, "fine.mjs", { env });
    assert.deepEqual([code, stdout], [0, "ran\n"]);
    const [signal = "", mode = "", runtime = "", ...others] = stderr.trimEnd().split("\n");
    assert.match(signal, /^unknot: 'UNKNOT_DUMP_SIGNAL' is "FOO" and has no effect: it is .* SIGUSR2\.$/);
    assert.equal(mode, `unknot: 'UNKNOT_MODE' is "lene" and has no effect: it is lean or full.`);
    assert.match(
      runtime,
      /^unknot: 'UNKNOT_RUNTIME_FOLDER' names no folder that can be made for this user alone: ENOENT: .*nowhere/,
    );
    assert.deepEqual(others, []);
  });

  for (const node of nodes) {
    describe(node.name, () => {
      it("runs files that do not parse or use the tracer's name as they are, and names them", async () => {
        for (const [name, printed, reason] of [
          ["tab.mjs", "ran\n1\n", /vertical tab/],
          ["name.mjs", "ran\n5\n", /uses the name '__unknot__'/],
        ] as const) {
          const { code, stdout, last } = await runToLastDump(folder, name, { node });
          assert.deepEqual([code, stdout], [0, printed]);
          const [untouched] = last.dump.coverage.untouched;
          assert.equal(untouched?.file, folder.file(name));
          assert.match(untouched?.reason ?? "", reason);
        }
        const { stdout, last } = await runToLastDump(folder, "imports-broken.mjs", { node });
        assert.equal(stdout, "ran\nSyntaxError\n");
        assert.match(last.dump.coverage.untouched[0]?.reason ?? "", /does not parse/);
        assert.ok(reading(last.dump).task("waits"), "the rest is traced");
      });

      for (const name of ["broken.mjs", "jsx.mjs", "enum.mts"]) {
        it(`leaves Node's own word about ${name}`, async () => {
          const plain = await run(folder, name, { node, traced: false, options: ["--no-warnings"] });
          const traced = await run(folder, name, { node, options: ["--no-warnings"] });
          assert.equal(traced.code, plain.code);
          assert.equal(traced.stdout, plain.stdout);
          const head = (text: string) => text.replaceAll("file://", "").split("\n").slice(0, 5);
          assert.deepEqual(head(traced.stderr), head(plain.stderr));
        });
      }

      for (const [name, printed] of [
        ["twice.cjs", "ran\n"],
        ["decorated.mts", "ran\n"],
        ["huge.mjs", "19999\n"],
        ["one-line.mjs", "4999\n"],
        ["uses-dependency.mjs", "dependency\n"],
        ["freezes.mjs", "ran\n"],
        ["patched.mjs", "ran\n"],
      ] as const) {
        it(`runs ${name}`, async () => {
          const { code, stdout, stderr } = await run(folder, name, {
            node,
            env: { UNKNOT_REPORT_STDERR: "0" },
            options: ["--no-warnings"],
          });
          assert.deepEqual([code, stdout, stderr], [0, printed, ""]);
        });
      }

      it("runs no getter and no trap of the program", async () => {
        const plain = await run(folder, "proxies.mjs", { node, traced: false });
        assert.deepEqual(await run(folder, "proxies.mjs", { node }), plain);
      });

      it("counts the tasks for which its table has no room", async () => {
        const { last } = await runToLastDump(folder, "few.mjs", { node, env: { UNKNOT_MAX_TASKS: "50" } });
        assert.ok(last.dump.tasks.length >= 40 && last.dump.tasks.length < 50, `${last.dump.tasks.length}`);
        assert.equal(last.dump.coverage.dropped, 100 - last.dump.tasks.length);
      });

      it("runs where there is no folder to register in", async () => {
        const missing = path.join(folder.path, "nowhere");
        const { code, stdout } = await run(folder, "fine.mjs", {
          node,
          env: { TMPDIR: missing, TEMP: missing, TMP: missing, UNKNOT_SESSION: "s" },
        });
        assert.deepEqual([code, stdout], [0, "ran\n"]);
      });

      it("runs without the worker, the parser or the package beside the tracer", async () => {
        for (const lost of ["tracer-worker.cjs", "node_modules"]) {
          const copy = path.join(folder.path, `npm-without-${lost}`);
          mkdirSync(copy);
          cpSync(registerFile, path.join(copy, "register.cjs"));
          cpSync(
            path.join(path.dirname(registerFile), "tracer-worker.cjs"),
            path.join(copy, "tracer-worker.cjs"),
          );
          if (lost !== "node_modules") rmSync(path.join(copy, lost));
          const ended = await run(folder, "fine.mjs", {
            node,
            traced: false,
            options: ["--require", path.join(copy, "register.cjs")],
          });
          assert.deepEqual([ended.code, ended.stdout], [0, "ran\n"], lost);
          rmSync(copy, { recursive: true });
        }
      });
    });
  }

  it("names a library whose version nobody has read", async () => {
    copyPackage("async-mutex", folder.file("other/node_modules"), "async-mutex");
    const manifest = folder.file("other/node_modules/async-mutex/package.json");
    writeFileSync(
      manifest,
      readFileSync(manifest, "utf8").replace('"version": "0.5.0"', '"version": "9.0.0"'),
    );
    const { stdout, last } = await runToLastDump(folder, "other/lock.mjs");
    assert.equal(stdout, "held\n");
    assert.deepEqual(last.dump.coverage.instrumented, []);
    assert.match(last.dump.coverage.untouched[0]?.reason ?? "", /^async-mutex 9\.0\.0 is not known/);
  });
});
