import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { RunReport } from "@unknot/protocol/report.ts";
import type { Verdict } from "@unknot/protocol/verdict.ts";
import { root, temporaryFolder, unknot } from "../cli/unknot.ts";

const folder = path.join(root, "examples");

interface Pair {
  /** The rule that finds the mistake in the source. */
  readonly rule?: string;
  /** What a run finds. */
  readonly problem?: { readonly id: string; readonly verdict: Verdict };
}

const pairs: Readonly<Record<string, Pair>> = {
  "two-locks": {
    rule: "lock-order-inversion",
    problem: { id: "lock-order-inversion", verdict: "deadlock" },
  },
  "worker-pool": {
    rule: "channel-never-closed",
    problem: { id: "channel-never-closed", verdict: "exit-pending" },
  },
  limiter: { rule: "queue-self-wait", problem: { id: "queue-self-wait", verdict: "deadlock" } },
  "lock-after-error": {
    rule: "lock-release-not-in-finally",
    problem: { id: "lock-not-released", verdict: "owner-gone" },
  },
  "unawaited-task": { rule: "floating-task" },
  "many-tasks": { problem: { id: "exit-pending", verdict: "exit-pending" } },
};

/** The lines that follow a comment `// Mistake: …`. */
function mistakesIn(file: string): readonly number[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) => (line.includes("// Mistake:") ? index + 2 : []));
}

async function check(file: string) {
  const { stdout, stderr } = await unknot(["check", "--format", "json", "--severity", "hint", file]);
  assert.equal(stderr, "");
  const { findings } = JSON.parse(stdout) as { findings: { rule: string; line: number }[] };
  return findings;
}

describe("examples", () => {
  const reports = temporaryFolder({});

  async function run(file: string) {
    const report = path.join(reports, `${file.replaceAll("/", "-")}.json`);
    const outcome = await unknot(["run", "--report", report, "--", path.join(folder, file)]);
    return { ...outcome, report: JSON.parse(readFileSync(report, "utf8")) as RunReport };
  }

  it("are all tested", () => {
    assert.deepEqual(
      globSync("*/broken.ts", { cwd: folder })
        .map((file) => path.dirname(file))
        .sort(),
      Object.keys(pairs).sort(),
    );
  });

  it("compile, and list every package that they import", () => {
    const compiled = spawnSync(
      process.execPath,
      [path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder],
      { encoding: "utf8" },
    );
    assert.equal(compiled.status, 0, compiled.stdout);
    const { dependencies } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const imported = globSync("*/*.ts", { cwd: folder }).flatMap((file) =>
      [...readFileSync(path.join(folder, file), "utf8").matchAll(/from "([^"]+)"/g)].map(
        (match) => match[1] ?? "",
      ),
    );
    const missing = imported.filter((name) => !name.startsWith("node:") && !(name in dependencies));
    assert.deepEqual(missing, []);
  });

  for (const [name, { rule, problem }] of Object.entries(pairs)) {
    describe(name, () => {
      const broken = path.join(folder, name, "broken.ts");

      if (rule !== undefined) {
        it(`is seen to be broken by check: ${rule}`, async () => {
          const findings = await check(broken);
          assert.deepEqual([...new Set(findings.map((finding) => finding.rule))], [rule]);
          const lines = mistakesIn(broken);
          const found = findings.map((finding) => finding.line);
          for (const line of lines.slice(0, 1)) assert.ok(found.includes(line), `${found} and not ${line}`);
        });
      }

      if (problem !== undefined) {
        it(`is seen to be broken by run: ${problem.verdict}`, async () => {
          const plain = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", broken], {
            encoding: "utf8",
          });
          const { code, stdout, report } = await run(`${name}/broken.ts`);
          assert.equal(code, plain.status);
          assert.equal(stdout, plain.stdout);
          assert.deepEqual(
            report.problems.map(({ id, verdict }) => ({ id, verdict })),
            [problem],
          );
          const lines = mistakesIn(broken);
          const places = report.problems[0]?.at ?? [];
          assert.ok(
            places.some((at) => at.file === broken && lines.includes(at.line)),
            JSON.stringify(places),
          );
        });
      }

      it("is silent about the correct twin", async () => {
        const correct = path.join(folder, name, "correct.ts");
        assert.deepEqual(await check(correct), []);
        const plain = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", correct], {
          encoding: "utf8",
        });
        const { code, stdout, report } = await run(`${name}/correct.ts`);
        assert.deepEqual([code, stdout], [0, plain.stdout]);
        assert.deepEqual(report.problems, []);
        assert.equal(report.tasks.pending, 0);
      });
    });
  }
});
