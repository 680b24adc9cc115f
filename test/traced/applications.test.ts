// Larger programs in the manner of applications (fixtures/applications) do traced what they do untraced, on every Node:
// what they print, in which order, and how they end. Where a Node does not run the syntax of one, it is the message of
// Node with the lines of the file.
import assert from "node:assert/strict";
import { cpSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allNodes, inPairs, node20, programFolder, registerFile, run, stacksOf } from "./kit.ts";

const fixtures = fileURLToPath(new URL("fixtures/applications/", import.meta.url));
const programs = readdirSync(fixtures).map((name) =>
  name === "commonjs" ? "commonjs/main.cjs" : name === "cycle" ? "cycle/main.mjs" : name,
);

describe("an application that is traced", () => {
  const folder = programFolder();
  before(() => cpSync(fixtures, folder.path, { recursive: true }));

  for (const node of [...node20(), ...allNodes()]) {
    const isOld = node.name === "Node 20";
    for (const name of programs) {
      if (isOld && name.endsWith(".ts")) continue;
      it(`does what it does untraced: ${name}, ${node.name}`, async () => {
        const [plain, traced] = await inPairs([false, true], (each) =>
          run(folder, name, {
            node,
            // Not with `--import`, with which Node itself runs CommonJS files and reports errors in another way.
            traced: false,
            options: each ? ["--require", registerFile] : [],
            env: { UNKNOT_REPORT_STDERR: "0" },
          }),
        );
        assert.ok(plain !== undefined && traced !== undefined);
        // It maps positions with an empty line before the error (docs/decisions/module-hooks-of-node-20.md).
        const known = (text: string) =>
          stacksOf(text)
            .replace(/\(node:\d+\)/g, "")
            .replaceAll(isOld ? /\n\n+/g : /$^/g, "\n");
        assert.deepEqual(
          { ...traced, stdout: known(traced.stdout), stderr: known(traced.stderr) },
          { ...plain, stdout: known(plain.stdout), stderr: known(plain.stderr) },
        );
        assert.notEqual(plain.stdout + plain.stderr, "", "it says something");
      });
    }
  }
});
