import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, temporaryFolder } from "./unknot.ts";

/** What `npm run build` makes of the command; `npm test` builds first. */
const command = path.join(root, "dist", "npm", "unknot.mjs");

describe("the bundled command", () => {
  const folder = temporaryFolder({
    "late.ts": `async function late(): Promise<void> {
  await null;
  throw new Error();
}
export async function start(): Promise<void> {
  late();
  await null;
}
`,
    "app.cjs": "(async () => { await null; console.log('ran'); })();\n",
  });
  const unknot = (...args: string[]) =>
    spawnSync(process.execPath, [command, ...args], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });

  it("finds its analyzer, its tracer and its pages", () => {
    const checked = unknot("check", "--fail-on", "warning");
    assert.deepEqual([checked.status, checked.stderr], [1, ""]);
    assert.match(checked.stdout, /^late\.ts:6:3 warning floating-task\n/);
    const ran = unknot("run", "--report", "report.json", "--", "app.cjs");
    assert.deepEqual([ran.status, ran.stdout], [0, "ran\n"]);
    assert.match(unknot("explain", "floating-task").stdout, /\n.*\n.*\n/);
    assert.match(unknot("--version").stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it("comes with every module that the package names, and with their types", () => {
    interface Manifest {
      readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
    }
    const exportsOf = (file: string) =>
      (JSON.parse(readFileSync(path.join(root, file), "utf8")) as Manifest).exports;
    const packed = exportsOf("dist/npm/package.json");
    // The repository itself can be used as the package, too.
    const here = JSON.stringify(exportsOf("package.json")).replaceAll("./dist/npm/", "./");
    assert.deepEqual(JSON.parse(here), packed);
    const files = Object.values(packed).flatMap((each) =>
      typeof each === "string" ? each : Object.values(each),
    );
    const setups = ["./testing-vitest.mjs", "./testing-jest.cjs"];
    for (const file of [...files, ...setups])
      assert.ok(existsSync(path.join(root, "dist", "npm", file)), file);
    for (const name of [".", "./testing", "./vitest", "./playwright"]) {
      assert.ok(typeof packed[name] === "object" && packed[name]["types"], name);
    }
  });
});
