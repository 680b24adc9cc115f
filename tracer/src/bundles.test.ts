import assert from "node:assert/strict";
import { buildSync } from "esbuild";
import { exportedLocals, librariesInMap, readBundle } from "./bundles.ts";

describe("a bundle", () => {
  const own = `import { Lock } from "./lock"; export const lock = new Lock();`;

  it("tells what comes from packages, and leaves what is the program's own", () => {
    const source = `// node_modules/some-lock/index.mjs
var Lock = class {};
function helper() {}

// src/main.ts
var lock = new Lock();
`;
    const bundle = readBundle(source, "/app/bundle.mjs");
    assert.deepEqual(bundle?.parts, [
      {
        library: "some-lock",
        file: "index.mjs",
        end: source.indexOf("}\n\n") + 1,
        names: ["Lock", "helper"],
        form: { is: "esm", declared: ["Lock", "helper"] },
      },
    ]);
    assert.deepEqual([...bundle.foreign], [source.indexOf("var Lock"), source.indexOf("function helper")]);
  });

  it("knows packages inside packages, and those with a scope", () => {
    const source = `// ../node_modules/outer/node_modules/@scope/inner/lib/a.js\nvar A = 1;\n`;
    const [part] = readBundle(source, "/app/bundle.mjs")?.parts ?? [];
    assert.deepEqual([part?.library, part?.file], ["@scope/inner", "lib/a.js"]);
  });

  it("knows CommonJS files by the function around them", () => {
    const source = `var require_lock = __commonJS({
  "node_modules/some-lock/lib/lock.js"(exports2, module2) {
    module2.exports = class Lock2 {};
  }
});
var import_lock = __toESM(require_lock());
`;
    const [part] = readBundle(source, "/app/bundle.cjs")?.parts ?? [];
    assert.deepEqual(part?.form, {
      is: "cjs",
      exports: "exports2",
      module: "module2",
      start: source.indexOf("{\n    module2"),
    });
    assert.equal(source[part?.end ?? 0], "}");
  });

  it("is none where nothing tells of packages, and where it does not parse", () => {
    assert.equal(readBundle(own, "/app/main.mjs"), undefined);
    assert.equal(readBundle("// node_modules/x/y.js\nvar = ;", "/app/main.mjs"), undefined);
    assert.deepEqual(readBundle('import "../node_modules/x/y.js";', "/app/main.mjs")?.parts, []);
  });

  it("is read as esbuild writes it", () => {
    const { outputFiles } = buildSync({
      stdin: {
        contents: `import { parse } from "semver/index.js"; console.log(parse("1.0.0"));`,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      platform: "node",
      format: "esm",
      write: false,
    });
    const parts = readBundle(outputFiles[0]?.text ?? "", "/app/bundle.mjs")?.parts ?? [];
    assert.ok(parts.some(({ library, file }) => library === "semver" && file === "classes/semver.js"));
  });

  it("has the variables of a file under other names than the file", () => {
    const original = `class a {}\nconst b = 1;\nfunction c() {}\nexport { a as Mutex, b };\nexport default c;\nexport * from "./d.js";`;
    assert.deepEqual(
      [...exportedLocals(original, "a.mjs", ["a2", "b", "c13", "other"])],
      [
        ["Mutex", "a2"],
        ["b", "b"],
        ["default", "c13"],
      ],
    );
    assert.deepEqual(
      [...exportedLocals("export default () => 1;", "a.mjs", ["x", "a_default2"])],
      [["default", "a_default2"]],
    );
  });

  it("names packages in its map, if nowhere else", () => {
    const map = JSON.stringify({ sources: ["../node_modules/p-limit/index.js", "../src/p-queue/x.ts"] });
    assert.deepEqual(librariesInMap(map, ["p-limit", "p-queue", "limit"]), ["p-limit"]);
  });
});
