import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder, unknot } from "./unknot.ts";

const tsconfig = JSON.stringify({ compilerOptions: { strict: true, target: "es2023", module: "nodenext" } });
const dropped = (calls: number) => `async function save(): Promise<void> {
  throw new Error("no");
}

export function run(): void {
${"  save();\n".repeat(calls)}}
`;

describe("unknot check on an old code base", () => {
  const project = (files: Readonly<Record<string, string>>) => {
    const folder = temporaryFolder({ "tsconfig.json": tsconfig, ".git/HEAD": "", ...files });
    return {
      file: (name: string) => path.join(folder, name),
      check: (...args: string[]) => unknot(["check", ...args], { cwd: folder }),
    };
  };

  describe("with a baseline", () => {
    const { file, check } = project({ "src/a.ts": dropped(21), "src/b.ts": dropped(1) });

    it("is offered one line when there is a lot, and reports what is new from then on", async () => {
      const before = await check("--fail-on", "warning");
      assert.equal(before.code, 1);
      assert.match(
        before.stdout,
        /\n22 findings .*\nTo begin with new code only: unknot check --write-baseline .*\n$/,
      );
      const written = await check("--write-baseline");
      assert.deepEqual(written, {
        code: 0,
        signal: null,
        stdout: "unknot-baseline.json: 22 findings from now on left out.\n",
        stderr: "",
      });
      const after = await check("--fail-on", "warning");
      assert.equal(after.code, 0);
      assert.equal(after.stdout, "No findings in 2 files, 22 more in the baseline.\n");
      writeFileSync(file("src/b.ts"), dropped(2));
      const fresh = await check("--fail-on", "warning");
      assert.equal(fresh.code, 1);
      assert.match(fresh.stdout, /^src\/b\.ts:7:3 warning floating-task\n/);
      assert.match(fresh.stdout, /\n1 finding \(1 warning\) in 2 files, 22 more in the baseline\.\n$/);
    });

    it("counts them in JSON, and shows them all when asked, without offering a baseline", async () => {
      const { summary } = JSON.parse((await check("--format", "json")).stdout);
      assert.equal(summary.baselined, 22);
      assert.match((await check("--no-baseline")).stdout, /\n23 findings \(23 warnings\) in 2 files\.\n$/);
    });

    it("names what is gone on standard error, without failing", async () => {
      writeFileSync(file("src/b.ts"), "export {};\n");
      const { code, stderr } = await check();
      assert.equal(code, 0);
      assert.equal(
        stderr,
        "unknot-baseline.json: 1 finding in it is gone ('floating-task' in src/b.ts); unknot check --write-baseline takes it out.\n",
      );
      await check("--write-baseline");
      assert.equal((await check()).stderr, "");
    });

    it("takes another file", async () => {
      assert.match((await check("--write-baseline", "known.json")).stdout, /^known\.json: 21 findings/);
      assert.match((await check("--baseline", "known.json")).stdout, /^No findings in 2 files, 21 more/);
      assert.match(readFileSync(file("known.json"), "utf8"), /"src\/a\.ts"/);
      const gone = await check("--baseline", "gone.json");
      assert.match(gone.stderr, /^gone\.json: There is no baseline '.*': make it with/);
    });

    it("does not write down what is about to be mended", async () => {
      const { code, stderr } = await check("--write-baseline", "--fix");
      assert.equal(code, 2);
      assert.match(stderr, /run --fix first/);
    });

    it("does not take a source for a baseline, nor a folder for a commit", async () => {
      const before = readFileSync(file("src/a.ts"), "utf8");
      const baseline = await check("--write-baseline", "src/a.ts");
      assert.equal(baseline.code, 2);
      assert.match(baseline.stderr, /name paths before --write-baseline\.\n$/);
      assert.equal(readFileSync(file("src/a.ts"), "utf8"), before);
      assert.match((await check("--changed", "src")).stderr, /name paths before --changed\.\n$/);
    });
  });

  describe("with a configuration", () => {
    const { check } = project({
      "src/a.ts": dropped(1),
      "scripts/b.ts": dropped(1),
      "unknot.config.json": `{
  // Scripts may fail.
  "overrides": [{ "files": ["scripts"], "rules": { "floating-task": "off" } }],
  "rules": { "floating-task": "error", "lock-renetry": "off" }
}`,
    });

    it("takes severities from it, and points into it where it is wrong", async () => {
      const { code, stdout, stderr } = await check();
      assert.equal(code, 1);
      assert.match(stdout, /^src\/a\.ts:6:3 error floating-task\n/);
      assert.match(stdout, /\n1 finding \(1 error\) in 2 files\.\n$/);
      assert.equal(
        stderr,
        "unknot.config.json:4:40: 'rules' has no field 'lock-renetry'; it has 'lock-reentry'.\n",
      );
      const json = JSON.parse((await check("--format", "json")).stdout);
      assert.deepEqual(
        json.notices.map(({ file, line, column }: Record<string, unknown>) => ({ file, line, column })),
        [{ file: "unknot.config.json", line: 4, column: 40 }],
      );
      assert.match(
        (await check("--format", "github")).stdout,
        /::warning file=unknot\.config\.json,line=4,col=40::/,
      );
    });
  });

  describe("that has not changed", () => {
    const folder = temporaryFolder({
      "tsconfig.json": tsconfig,
      ".git/HEAD": "",
      "a.ts": dropped(2),
      ".unknot/models/a.json": '{ "unknot": 1, "modules": ["x"] }',
    });
    const check = (...args: string[]) =>
      unknot(["check", "--stats", ...args], {
        cwd: folder,
        env: { UNKNOT_CACHE: path.join(folder, ".cache") },
      });
    const isKept = (stderr: string) => /^kept /m.test(stderr);
    const age = () => {
      for (const name of ["tsconfig.json", "a.ts", ".unknot/models/a.json"]) {
        utimesSync(path.join(folder, name), 1_000_000, 1_000_000);
      }
    };

    it("is not looked at again, and what was found is the same", async () => {
      age();
      const first = await check();
      const second = await check();
      assert.deepEqual([isKept(first.stderr), isKept(second.stderr)], [false, true]);
      assert.equal(second.stdout, first.stdout);
      assert.match(first.stdout, /2 findings/);
      // Other formats have the same outcome; other rules have another one.
      assert.ok(isKept((await check("--format", "json")).stderr));
      assert.ok(!isKept((await check("--rule", "lock-reentry")).stderr));
    });

    it("is looked at again after an edit of a source or a model", async () => {
      writeFileSync(path.join(folder, "a.ts"), dropped(1));
      const edited = await check();
      assert.ok(!isKept(edited.stderr));
      assert.match(edited.stdout, /1 finding /);
      age();
      await check();
      assert.ok(isKept((await check()).stderr));
      writeFileSync(path.join(folder, ".unknot/models/a.json"), '{ "unknot": 1, "modules": ["y"] }');
      assert.ok(!isKept((await check()).stderr));
    });

    it("takes a baseline and fixes all the same", async () => {
      age();
      await check();
      const { stdout } = await check("--write-baseline");
      assert.match(stdout, /1 finding from now on left out/);
      await check();
      const held = await check();
      assert.ok(isKept(held.stderr));
      assert.match(held.stdout, /^No findings in 1 file, 1 more in the baseline\.\n$/);
      const fixed = await check("--no-baseline", "--fix");
      assert.match(fixed.stderr, /Fixed 1 finding in 1 file\./);
      assert.match(fixed.stdout, /^No findings in 1 file\.\n$/);
    });
  });

  describe("that git knows", () => {
    const folder = temporaryFolder({
      "tsconfig.json": tsconfig,
      "a.ts": dropped(1),
      "b.ts": dropped(1),
      "sub/c.ts": dropped(1),
    });
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.org", ...args], { cwd: folder });
    const files = async (args: readonly string[], cwd = folder) => {
      const { stdout, stderr } = await unknot(["check", "--format", "json", ...args], { cwd });
      assert.equal(stderr, "");
      return (JSON.parse(stdout).findings as { readonly file: string }[]).map(({ file }) => file);
    };

    it("looks only at what has changed since the last commit, or since a branch", async () => {
      git("init", "--quiet", "--initial-branch=main");
      git("add", ".");
      git("commit", "--quiet", "-m", "one");
      assert.deepEqual(await files(["--changed"]), []);
      writeFileSync(path.join(folder, "a.ts"), `\n${dropped(1)}`);
      writeFileSync(path.join(folder, "new file.ts"), dropped(1));
      assert.deepEqual(await files(["--changed"]), ["a.ts", "new file.ts"]);
      assert.deepEqual(await files(["--changed", "--", "b.ts"]), []);
      git("checkout", "--quiet", "-b", "feature");
      git("add", ".");
      git("commit", "--quiet", "-m", "two");
      // What happens on main afterwards is none of our changes.
      git("checkout", "--quiet", "main");
      writeFileSync(path.join(folder, "b.ts"), `\n${dropped(1)}`);
      git("commit", "--quiet", "-am", "three");
      git("checkout", "--quiet", "feature");
      git("rm", "--quiet", "sub/c.ts");
      assert.deepEqual(await files(["--changed"]), []);
      assert.deepEqual(await files(["--changed=main"]), ["a.ts", "new file.ts"]);
    });

    it("says why git can't tell", async () => {
      const unknown = await unknot(["check", "--changed=nope"], { cwd: folder });
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /^unknot: git can't tell what has changed: .+\.\n$/);
      const option = await unknot(["check", "--changed=--output=x"], { cwd: folder });
      assert.equal(option.code, 2);
    });
  });
});
