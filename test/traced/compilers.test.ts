// Programs whose files are compiled while they are required, by a compiler that checks what it gets (ts-node): it gets the
// program's own text, and what it makes of that is traced.
import assert from "node:assert/strict";
import { nodes, programFolder, reading, registerFile, run, runToLastDump } from "./kit.ts";

// Does with a file what ts-node does, down to where it takes the next step from; it refuses names that are not declared.
const compiler = `const { stripTypeScriptTypes } = require("node:module");
process[Symbol.for("ts-node.register.instance")] = {};
const before = require.extensions[".js"];
require.extensions[".ts"] = (module, file) => {
  const { _compile } = module;
  module._compile = function (source, name) {
    if (source.includes("__unknot" + "__")) throw new Error("Cannot find name '__unknot" + "__'.");
    return Reflect.apply(_compile, this, [stripTypeScriptTypes(source), name]);
  };
  return before(module, file);
};
`;

const program = `import type { Server } from "node:http";
async function waits(server?: Server): Promise<void> {
  await new Promise<void>(() => {});
}
async function fails(): Promise<never> {
  await null;
  throw new Error("typed");
}
waits();
fails().catch((error: Error) => console.log(error.stack?.split("\\n")[1]?.trim()));
`;

describe("a program that a compiler hands to Node", () => {
  const folder = programFolder({
    "node_modules/ts-node/package.json": `{ "name": "ts-node", "version": "10.9.2" }`,
    "node_modules/ts-node/register.js": compiler,
    "main.ts": program.replace(/^import type.*\n/, "type Server = object;\n"),
  });
  const ours = ["--require", registerFile];
  const its = ["--require", folder.file("node_modules/ts-node/register.js")];

  for (const node of nodes) {
    for (const [when, preloads] of [
      ["before", [...its, ...ours]],
      ["after", [...ours, ...its]],
    ] as const) {
      it(`is traced behind a compiler that came ${when} the tracer: ${node.name}`, async () => {
        const plain = await run(folder, "main.ts", {
          node,
          traced: false,
          options: ["--no-warnings", ...its],
        });
        const options = ["--no-warnings", ...preloads];
        const { code, stdout, last } = await runToLastDump(folder, "main.ts", {
          node,
          traced: false,
          options,
        });
        assert.deepEqual([code, stdout], [plain.code, plain.stdout]);
        assert.match(stdout, /main\.ts:7:9/);
        const { task, place } = reading(last.dump);
        assert.equal(place(task("waits").at), "main.ts:3");
      });
    }
  }
});
