import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installShim } from "./install-shim.ts";

const source = fileURLToPath(new URL("./shim.cjs", import.meta.url));

/** What the shim requires in a process like this. */
function required(like: {
  node?: string;
  script?: string;
  env?: Record<string, string>;
  broken?: boolean;
}): string[] {
  const modules: string[] = [];
  const process = {
    env: like.env ?? { UNKNOT_REGISTER: "/ext/register.cjs" },
    versions: { node: like.node ?? "22.23.3" },
    argv: ["node", ...(like.script === undefined ? [] : [like.script])],
  };
  const require = (name: string) => {
    if (like.broken) throw new Error("gone");
    modules.push(name);
  };
  new Function("process", "require", readFileSync(source, "utf8"))(process, require);
  return modules;
}

describe("the shim", () => {
  it("loads the tracer", () => {
    assert.deepEqual(required({ script: "/app/main.ts" }), ["/ext/register.cjs"]);
    assert.deepEqual(required({}), ["/ext/register.cjs"]);
    for (const node of ["20.19.0", "22.15.0", "23.5.0", "24.0.0", "26.1.0"])
      assert.deepEqual(required({ node }), ["/ext/register.cjs"], node);
  });

  it("does nothing where the tracer can't work, is gone or is not wanted", () => {
    for (const node of ["4.9.1", "16.20.0", "20.18.3", "21.7.3", "22.14.0", "23.4.0"])
      assert.deepEqual(required({ node }), [], node);
    assert.deepEqual(required({ env: {} }), []);
    assert.deepEqual(required({ env: { UNKNOT_REGISTER: "/ext/register.cjs", UNKNOT_TRACE: "0" } }), []);
    assert.deepEqual(required({ broken: true }), []);
  });

  it("leaves package managers, compilers and linters alone", () => {
    for (const script of [
      "/usr/lib/node_modules/npm/bin/npm-cli.js",
      "/usr/local/bin/npm",
      "C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npx-cli.js",
      "/app/node_modules/.bin/tsc",
      "/app/node_modules/typescript/bin/tsc",
      "/app/node_modules/eslint/bin/eslint.js",
      "/opt/pnpm.cjs",
      "/app/node_modules/.bin/webpack",
      "/app/node_modules/esbuild/bin/esbuild",
      "/app/node_modules/@babel/cli/bin/babel.js",
      "/app/node_modules/stylelint/bin/stylelint.mjs",
    ]) {
      assert.deepEqual(required({ script }), [], script);
    }
    for (const script of [
      "/app/npm.ts",
      "/app/tsc/main.js",
      "/app/node_modules/mocha/bin/mocha.js",
      "/app/yarn-orders.js",
      "/app/webpack-orders.js",
      "/app/node_modules/vitest/vitest.mjs",
    ]) {
      assert.deepEqual(required({ script }), ["/ext/register.cjs"], script);
    }
  });

  it("is copied once and kept up to date", () => {
    const folder = path.join(mkdtempSync(path.join(tmpdir(), "unknot-shim-")), "deep");
    const first = installShim(source, folder);
    assert.equal(readFileSync(first, "utf8"), readFileSync(source, "utf8"));
    assert.equal(installShim(fileURLToPath(import.meta.url), folder), first);
    assert.equal(readFileSync(first, "utf8"), readFileSync(fileURLToPath(import.meta.url), "utf8"));
    rmSync(path.dirname(folder), { recursive: true });
  });
});
