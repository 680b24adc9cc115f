import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CliError } from "../cli-error.ts";
import { canTrace, findNode, noNode, runsTypeScript } from "./find-node.ts";
import { findCommand, findProgram } from "./find-program.ts";

describe("finding what to run", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-find-"));
  after(() => rmSync(folder, { recursive: true }));
  const put = (name: string, text = "") => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  const refuses = (run: () => unknown, message: RegExp) =>
    assert.throws(run, (error) => error instanceof CliError && message.test(error.message));

  describe("the Node", () => {
    const versions = ["20.18.3", "20.19.0", "21.7.3", "22.14.0", "22.17.1", "22.18.0", "23.5.0", "24.0.0"];
    it("has to have module hooks that are known, and to run TypeScript", () => {
      assert.deepEqual(versions.map(canTrace), [false, true, false, false, true, true, true, true]);
      assert.deepEqual(versions.map(runsTypeScript), [false, false, false, false, false, true, false, true]);
    });

    it("is the one that runs the command, when it can", () => {
      assert.equal(findNode(folder, "a.ts", { version: "24.1.0", execPath: "/opt/node" }), "/opt/node");
    });

    it("is named with what else runs TypeScript", () => {
      assert.match(
        noNode("20.19.0"),
        /^Node 20\.19\.0 does not run TypeScript: install Node 22\.18 or newer, .*tsx/,
      );
      assert.match(noNode("20.18.3"), /^Node 20\.18\.3 can't be traced: install Node 22\.18 or newer/);
    });

    it("else comes from a package of the project", () => {
      const system = process.platform === "win32" ? "win" : process.platform;
      const name = `node_modules/node-${system}-${process.arch}`;
      const file = `${name}/bin/${process.platform === "win32" ? "node.exe" : "node"}`;
      put(`${name}/package.json`, "{}");
      put(file);
      const found = findNode(path.join(folder, "src"), "a.ts", { version: "20.20.2" });
      assert.equal(path.basename(path.dirname(path.dirname(found))), path.basename(name));
    });
  });

  describe("the program", () => {
    before(() => {
      put("app.ts");
      put("plain.js");
      put("dist/index.js");
      put("node_modules/tool/cli.mjs");
      mkdirSync(path.join(folder, "node_modules/.bin"));
      symlinkSync("../tool/cli.mjs", path.join(folder, "node_modules/.bin/tool"));
      mkdirSync(path.join(folder, "deep/er"), { recursive: true });
    });
    const fileOf = (...words: string[]) => path.relative(folder, findProgram(words, folder).file);

    it("is a file, found as Node finds it", () => {
      assert.deepEqual(
        [fileOf("app.ts"), fileOf("./plain"), fileOf("dist")],
        ["app.ts", "plain.js", path.join("dist", "index.js")],
      );
      refuses(() => fileOf("app"), /There is no program 'app'/);
    });

    it("keeps its arguments and Node's options apart", () => {
      assert.deepEqual(findProgram(["app.ts", "--x", "-y"], folder).args, ["--x", "-y"]);
      const { nodeOptions, args } = findProgram(["node", "--no-warnings", "app.ts", "--x"], folder);
      assert.deepEqual([nodeOptions, args], [["--no-warnings"], ["--x"]]);
      assert.deepEqual(findProgram(["node", "-r", "plain.js", "app.ts"], folder).nodeOptions, [
        "-r",
        "plain.js",
      ]);
    });

    it("may be a command of an installed package", () => {
      const { file } = findProgram(["tool"], path.join(folder, "deep/er"));
      assert.equal(path.basename(file), "cli.mjs");
      refuses(() => findProgram(["../tool"], folder), /There is no program/);
    });

    it("may be a command of the system where the project has none of that name", function () {
      if (process.platform === "win32") this.skip();
      put("bin/npx", "#!/bin/sh");
      put("bin/tool", "#!/bin/sh");
      put("bin/notes");
      for (const name of ["npx", "tool"]) chmodSync(path.join(folder, "bin", name), 0o755);
      const find = (name: string) => findCommand([name, "x"], folder, { PATH: `/nowhere:${folder}/bin` });
      assert.deepEqual(
        [find("npx"), find("tool"), find("notes"), find("nothing"), find("node"), find("./bin/npx")],
        [path.join(folder, "bin/npx"), undefined, undefined, undefined, undefined, undefined],
      );
    });

    it("has to be said", () => {
      refuses(() => findProgram([], folder), /Say what to run/);
      refuses(() => findProgram(["node", "--test"], folder), /Say which file/);
    });
  });
});
