// Proves that the models work in the engine: code that uses the real libraries, analyzed.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Finding } from "@unknot/protocol/finding.ts";
import { differences } from "../rules/differences.ts";
import { expectationsIn, root } from "../rules/fixtures.ts";
import { applyEdits, createWorkspace, type Workspace } from "../rules/workspace.ts";
import { type Age, folderOf, installLibraries } from "./install.ts";

installLibraries();

const folder = path.join(root, "test/models/fixtures");
const files = globSync("*/*.ts", { cwd: folder })
  .map((file) => file.replaceAll("\\", "/"))
  .sort();

/** `oldest-…` stands for what the oldest versions do otherwise. */
const ageOf = (file: string): Age => (path.basename(file).startsWith("oldest-") ? "oldest" : "newest");

for (const age of ["oldest", "newest"] as const) {
  describe(`code that uses the ${age} libraries`, () => {
    const own = files.filter((file) => ageOf(file) === age);
    let workspace: Workspace;
    let typeErrors: ReadonlyMap<string, readonly string[]>;
    let findings: ReadonlyMap<string, readonly Finding[]>;

    before(function () {
      this.timeout(120_000);
      workspace = createWorkspace(folderOf(age));
      for (const file of own) workspace.write(file, readFileSync(path.join(folder, file), "utf8"));
      typeErrors = workspace.typeErrors();
      const analyzed = workspace.analyze();
      assert.deepEqual(analyzed.failures, []);
      findings = analyzed.findings;
    });
    after(() => workspace.remove());

    for (const file of own) {
      it(file, () => {
        const text = readFileSync(path.join(folder, file), "utf8");
        assert.deepEqual(typeErrors.get(file) ?? [], [], "it does not compile");
        assert.deepEqual(differences(text, findings.get(file) ?? [], { literally: true }), []);
        const isWanted = expectationsIn(text).some(({ kind }) => kind === "want");
        assert.equal(isWanted, !/\/(?:oldest-)?quiet[^/]*$/.test(file));
      });
    }

    it("every fix compiles and clears its finding", function () {
      this.timeout(120_000);
      const fixed = createWorkspace(folderOf(age));
      try {
        const applied = own.flatMap((file) =>
          (findings.get(file) ?? []).flatMap(({ rule, fixes }, index) =>
            fixes.map((fix, choice) => {
              const target = `fix-${index}-${choice}/${file}`;
              const text = applyEdits(readFileSync(path.join(folder, file), "utf8"), fix.edits);
              fixed.write(target, text);
              return { file, rule, target, label: `'${fix.title}' in ${file}:\n${text}` };
            }),
          ),
        );
        // What the oldest versions do otherwise may offer no fix.
        if (applied.length === 0) {
          assert.equal(age, "oldest");
          return;
        }
        const errors = fixed.typeErrors();
        const after = fixed.analyze().findings;
        for (const { file, rule, target, label } of applied) {
          const count = (list: readonly Finding[] = []) => list.filter((one) => one.rule === rule).length;
          assert.deepEqual(errors.get(target) ?? [], [], label);
          assert.ok(count(after.get(target)) < count(findings.get(file)), label);
        }
      } finally {
        fixed.remove();
      }
    });
  });
}
