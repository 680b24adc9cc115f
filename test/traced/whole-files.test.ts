// The transform over files as people write them, with and without semicolons: what comes out parses, and is the source
// with insertions.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { compileFunction } from "node:vm";
import { withoutInsertions } from "@unknot/tracer/transform/insertions.ts";
import { type ModuleKind, transform } from "@unknot/tracer/transform/transform.ts";
import { parseSync } from "oxc-parser";
import { root } from "./kit.ts";

const packages = ["node_modules/fastify", "node_modules/mocha", "examples"];

function transformed(source: string, file: string, kind: ModuleKind): string | undefined {
  const options = {
    source,
    file,
    kind,
    typescript: /ts$/.test(file),
    firstSite: 1,
    libraries: new Set<string>(),
  };
  return transform(options)?.code;
}

/** Whether V8 takes it as the body of a CommonJS module. */
function compiles(code: string): boolean {
  try {
    compileFunction(code, ["exports", "require", "module"]);
    return true;
  } catch {
    return false;
  }
}

describe("the transform of files of packages", function () {
  this.timeout(120_000);
  for (const folder of packages) {
    it(`gives code that parses, line by line the same: ${folder}`, () => {
      let done = 0;
      for (const name of globSync("**/*.{js,mjs,cjs,ts,mts}", { cwd: path.join(root, folder) })) {
        const file = path.join(root, folder, name);
        if (/\.d\.[cm]?ts$/.test(name)) continue;
        const source = readFileSync(file, "utf8");
        const kind = /\.m[jt]s$/.test(name) ? "module" : "unknown";
        // A fixture may be broken on purpose.
        if (parseSync(file, source, { sourceType: "unambiguous" }).errors.length > 0) continue;
        const code = transformed(source, file, kind);
        if (code === undefined) continue;
        done++;
        assert.equal(withoutInsertions(code), source, file);
        assert.equal(code.split("\n").length, source.split("\n").length, file);
        const { errors } = parseSync(file, code, { sourceType: "unambiguous" });
        assert.deepEqual(errors, [], file);
        if (compiles(source)) assert.ok(compiles(code), file);
      }
      assert.ok(done > 3, `${done} files`);
    });
  }

  it("takes a return that ends with its word", () => {
    for (const end of ["\n", ";\n", " }", ";", " // nothing\n", " /* nothing */ }", "\n  /* nothing */\n"]) {
      const source = `async function f(x) { if (x) { return${end}${end.includes("}") ? "" : "}"} await x }\n`;
      const code = transformed(source, "/f.js", "commonjs") ?? "";
      assert.equal(withoutInsertions(code), source);
      assert.ok(compiles(code), code.replaceAll("\v", ""));
    }
  });
});
