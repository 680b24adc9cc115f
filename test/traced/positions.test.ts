// Positions that others show of a traced program: stack traces under Node's own source map support, breakpoints.
import assert from "node:assert/strict";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { generatedPositionFor, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { transformSync } from "esbuild";
import { inPairs, lineOf, nodes, programFolder, run, stacksOf, start, until } from "./kit.ts";

const source = `interface Order { readonly id: number }

class Shop {
  private readonly orders: Order[] = [];
  async add(order: Order): Promise<void> {
    await null;
    if (order.id < 0) throw new RangeError(\`no \${order.id}\`); // throws
    this.orders.push(order);
  }
}
const shop = new Shop();
export async function fill(ids: readonly number[]): Promise<void> {
  for (const id of ids) await shop.add({ id }); // adds
}
fill([1, 2, -3]).catch((error: Error) => console.log(error.stack)); // starts
`;

describe("positions in a traced program", () => {
  const folder = programFolder({ "src/shop.ts": source });
  const compile = (sourcemap: "inline" | "external", format: "esm" | "cjs") =>
    transformSync(source, {
      loader: "ts",
      format,
      sourcemap,
      sourcefile: "../src/shop.ts",
      minifyWhitespace: true,
      target: "es2022",
    });
  folder.write("out/inline.mjs", compile("inline", "esm").code);
  folder.write("out/inline.cjs", compile("inline", "cjs").code);
  for (const [name, format] of [
    ["out/outside.mjs", "esm"],
    ["out/outside.cjs", "cjs"],
  ] as const) {
    const { code, map } = compile("external", format);
    folder.write(name, `${code}//# sourceMappingURL=${path.basename(name)}.map\n`);
    folder.write(`${name}.map`, map);
  }
  folder.write("out/map-is-gone.mjs", `${compile("external", "esm").code}//# sourceMappingURL=nowhere.map\n`);
  const compiled = ["inline.mjs", "inline.cjs", "outside.mjs", "outside.cjs", "map-is-gone.mjs"].map(
    (name) => `out/${name}`,
  );

  for (const node of nodes) {
    describe(node.name, () => {
      for (const options of [[], ["--enable-source-maps"]]) {
        for (const name of [...compiled, "src/shop.ts"]) {
          it(`in stack traces are those of the untraced one: ${[...options, name].join(" ")}`, async () => {
            const [plain, traced] = await inPairs([false, true], (each) =>
              run(folder, name, { node, traced: each, options: ["--no-warnings", ...options] }),
            );
            assert.ok(plain !== undefined && traced !== undefined);
            assert.deepEqual([traced.stderr, traced.code], ["", 0]);
            assert.equal(stacksOf(traced.stdout), stacksOf(plain.stdout));
            assert.match(plain.stdout, /RangeError: no -3/);
            const mapped = name.endsWith(".ts") || (options.length > 0 && !name.includes("gone"));
            assert.equal(
              plain.stdout.includes(`shop.ts:${lineOf(source, "throws")}:29`),
              mapped,
              plain.stdout,
            );
          });
        }
      }

      for (const name of ["src/shop.ts", "out/outside.mjs"]) {
        it(`are where a breakpoint in the original stops, and nowhere in the tracer: ${name}`, async () => {
          const running = start(folder, name, { node, options: ["--inspect-brk=127.0.0.1:0"] });
          const url = await until("the inspector", () => /ws:\S+(?=\n)/.exec(running.stderr())?.[0]);
          const session = await debugSession(url);
          await session.send("Debugger.enable");
          await session.send("Runtime.runIfWaitingForDebugger");
          // The first stop is at the program's first line: its script and its map are known then.
          await session.paused();
          const script = session.scripts.find((each) => each.url === pathToFileURL(folder.file(name)).href);
          assert.ok(script !== undefined, "the program is loaded");
          const { scriptId, sourceMapURL } = script;
          const map = new TraceMap(Buffer.from(sourceMapURL.split(",")[1] ?? "", "base64").toString());
          const original = map.sources.find((each) => each?.endsWith("src/shop.ts"));
          assert.equal(original, pathToFileURL(folder.file("src/shop.ts")).href);
          const line = lineOf(source, "throws");
          // Where V8 stops in this statement, traced or not: at the property that the condition reads.
          const wanted = { line, column: source.split("\n")[line - 1]?.indexOf("id <") };
          const at = generatedPositionFor(map, { source: original, line, column: 4 });
          assert.ok(at.line !== null);
          await session.send("Debugger.setBreakpoint", {
            location: { scriptId, lineNumber: at.line - 1, columnNumber: at.column },
          });
          await session.send("Debugger.resume");
          const [frame] = await session.paused();
          assert.ok(frame !== undefined);
          const { lineNumber, columnNumber } = frame.location;
          const stopped = originalPositionFor(map, { line: lineNumber + 1, column: columnNumber });
          assert.deepEqual({ line: stopped.line, column: stopped.column }, wanted);
          assert.equal(frame.functionName, "add");
          session.close();
          await running.kill();
        });
      }
    });
  }
});

interface Frame {
  readonly functionName: string;
  readonly location: { readonly lineNumber: number; readonly columnNumber: number };
}

/** A session of the inspector protocol. */
async function debugSession(url: string) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const scripts: { readonly scriptId: string; readonly url: string; readonly sourceMapURL: string }[] = [];
  const stops: (readonly Frame[])[] = [];
  const answers = new Map<number, () => void>();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, method, params } = JSON.parse(String(data));
    answers.get(id)?.();
    if (method === "Debugger.scriptParsed") scripts.push(params);
    if (method === "Debugger.paused") stops.push(params.callFrames);
  };
  return {
    scripts,
    send: (method: string, params: object = {}) =>
      new Promise<void>((resolve) => {
        answers.set(++last, resolve);
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    /** The frames of the next stop. */
    paused: () => until("the debugger to pause", () => stops.shift()),
    close: () => socket.close(),
  };
}
