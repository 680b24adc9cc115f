// Programs whose files are compiled while they are required, by a compiler that checks what it gets (ts-node): it gets the
// program's own text, and what it makes of that is traced; or by one that reads the files itself (tsx). Both as they are
// installed are run in test/compilers.
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

/** Node asks nobody for what it reads. */
const reader = `const { readFileSync } = require("node:fs");
const { stripTypeScriptTypes } = require("node:module");
require.extensions[".ts"] = (module, file) =>
  module._compile(stripTypeScriptTypes(readFileSync(file, "utf8")), file);
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
    "node_modules/reader/register.js": reader,
    "main.ts": program.replace(/^import type.*\n/, "type Server = object;\n"),
  });
  const ours = ["--require", registerFile];

  for (const node of nodes) {
    const cases = ["ts-node", "reader"].flatMap((name) => {
      const its = ["--require", folder.file(`node_modules/${name}/register.js`)];
      return [
        { title: `${name}, which came before the tracer`, its, preloads: [...its, ...ours] },
        { title: `${name}, which came after the tracer`, its, preloads: [...ours, ...its] },
      ];
    });
    for (const { title, its, preloads } of cases) {
      it(`is traced behind ${title}: ${node.name}`, async () => {
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

    it(`has the columns of its own text for those who make stack traces: ${node.name}`, async () => {
      folder.write(
        "lib.cjs",
        "exports.fails = async () => { await null; await null; throw new Error(); };\n",
      );
      folder.write(
        "stacks.cjs",
        `Error.prepareStackTrace = (_, sites) =>
          sites.slice(0, 2).map((site) => site.getLineNumber() + ":" + site.getColumnNumber() + " " + site).join();
        require("./lib.cjs").fails().catch(({ stack }) => console.log(stack));
        console.log(Object.keys(require("node:module").prototype).includes("_compile"));\n`,
      );
      const [plain, traced] = await Promise.all(
        [[], ours].map((preloads) => run(folder, "stacks.cjs", { node, traced: false, options: preloads })),
      );
      assert.match(plain?.stdout ?? "", /^1:61 /m);
      assert.deepEqual(traced, plain);
    });
  }
});
