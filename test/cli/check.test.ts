import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import type { Log } from "sarif";
import { root, temporaryFolder, unknot } from "./unknot.ts";

const tsconfig = JSON.stringify({ compilerOptions: { strict: true, target: "es2023", module: "nodenext" } });
const broken = `export async function save(): Promise<void> {
  await Promise.resolve();
  throw new Error("no");
}

export async function handle(): Promise<void> {
  save();
  await Promise.resolve();
}
`;
const fine = `export const answer = 42;\n`;

describe("unknot check", () => {
  const folder = temporaryFolder({
    "tsconfig.json": tsconfig,
    "package.json": JSON.stringify({ type: "module" }),
    "src/broken.ts": broken,
    "src/fine.ts": fine,
  });
  const check = (...args: string[]) => unknot(["check", ...args], { cwd: folder });

  it("prints findings on standard output and ends with 0 below --fail-on, 1 from there on", async () => {
    const found = await check();
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^src\/broken\.ts:7:3 warning floating-task\n/);
    assert.match(found.stdout, /> 7 \| {3}save\(\);/);
    assert.match(found.stdout, /\n {2}1\. .*src\/broken\.ts:7:3\n/);
    assert.match(found.stdout, /\n1 finding \(1 warning\) in 2 files\.\n$/);
    assert.equal(found.stderr, "");
    assert.equal((await check("--fail-on", "warning")).code, 1);
    assert.equal((await check("--fail-on", "warning", "src/fine.ts")).code, 0);
  });

  it("takes files, folders, tsconfigs and --project", async () => {
    for (const args of [["src/broken.ts"], ["src"], ["tsconfig.json"], ["-p", "tsconfig.json"]]) {
      assert.match((await check(...args)).stdout, /floating-task/, args.join(" "));
    }
    const one = await check("src/fine.ts");
    assert.equal(one.stdout, "No findings in 1 file.\n");
  });

  it("filters by rule and severity", async () => {
    assert.match((await check("--severity", "error")).stdout, /^No findings/);
    assert.match((await check("--rule", "unknot/floating-task")).stdout, /floating-task/);
    const unknown = await check("--rule", "nope");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^unknot: There is no rule 'nope': the rules are .*floating-task/);
  });

  it("prints JSON of version 1", async () => {
    const { stdout, code } = await check("--format", "json");
    assert.equal(code, 0);
    const value = JSON.parse(stdout);
    assert.equal(value.version, 1);
    const [finding] = value.findings;
    assert.deepEqual(
      [finding.rule, finding.severity, finding.file, finding.line, finding.column],
      ["floating-task", "warning", "src/broken.ts", 7, 3],
    );
    assert.ok(finding.trace.length > 0 && finding.fixes.length > 0);
    assert.deepEqual(value.summary, {
      files: 2,
      baselined: 0,
      error: 0,
      warning: 1,
      information: 0,
      hint: 0,
    });
  });

  it("prints SARIF that the official schema accepts", async () => {
    const { stdout } = await check("--format", "sarif");
    const log = JSON.parse(stdout) as Log;
    const schema = JSON.parse(
      readFileSync(
        path.join(root, "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"),
        "utf8",
      ),
    );
    const ajv = new Ajv({ schemaId: "auto", unknownFormats: "ignore" });
    ajv.addMetaSchema(
      JSON.parse(
        readFileSync(path.join(root, "node_modules/ajv/lib/refs/json-schema-draft-04.json"), "utf8"),
      ),
    );
    const validate = ajv.compile(schema);
    assert.ok(validate(log), JSON.stringify(validate.errors, null, 2));
    const [result] = log.runs[0]?.results ?? [];
    assert.equal(result?.ruleId, "floating-task");
    assert.equal(result.level, "warning");
    const place = result.locations?.[0]?.physicalLocation;
    assert.equal(place?.artifactLocation?.uri, "src/broken.ts");
    assert.equal(place.region?.startLine, 7);
    assert.ok((result.relatedLocations?.length ?? 0) > 0);
    assert.ok((result.codeFlows?.[0]?.threadFlows[0]?.locations.length ?? 0) > 0);
    assert.ok(log.runs[0]?.tool.driver.rules?.some((rule) => rule.id === "floating-task"));
    assert.equal(validate({ ...log, version: "1" }), false);
  });

  it("prints GitHub annotations", async () => {
    const { stdout } = await check("--format", "github");
    assert.match(
      stdout,
      /^::warning file=src\/broken\.ts,line=7,col=3,endColumn=\d+,title=unknot floating-task::/,
    );
  });

  it("prints numbers on standard error", async () => {
    const { stdout, stderr } = await check("--stats");
    assert.match(
      stderr,
      /^files +2\ntime +\d.*\nquestions +\d+ symbols, \d+ types, \d+ trees; [\d.]+ questions per 1,000 calls\nmemory +\d+ MB/,
    );
    assert.doesNotMatch(stdout, /questions/);
  });

  it("refuses options it does not know with 2", async () => {
    for (const args of [["--novel"], ["--format", "xml"], ["--severity", "worst"]]) {
      const refused = await check(...args);
      assert.equal(refused.code, 2, args.join(" "));
      assert.match(refused.stderr, /^unknot: /);
      assert.equal(refused.stdout, "");
    }
  });
});

describe("unknot check --fix", () => {
  const folder = temporaryFolder({
    "tsconfig.json": tsconfig,
    "package.json": JSON.stringify({ type: "module" }),
    "broken.ts": broken,
  });

  it("mends what it can, then reports what is left", async () => {
    const { code, stdout, stderr } = await unknot(["check", "--fix", "--fail-on", "warning"], {
      cwd: folder,
    });
    assert.equal(
      readFileSync(path.join(folder, "broken.ts"), "utf8"),
      broken.replace("  save();", "  await save();"),
    );
    assert.equal(stderr, "Fixed 1 finding in 1 file.\n");
    assert.equal(stdout, "No findings in 1 file.\n");
    assert.equal(code, 0);
  });
});

describe("unknot check on bad input", () => {
  const folder = temporaryFolder({
    "broken-config/tsconfig.json": "{ not json",
    "broken-config/broken.ts": broken,
    "no-config/broken.ts": broken,
    "half/half.ts": `${broken}\nfunction (`,
    "half/other.ts": fine,
    "empty/readme.md": "",
  });
  const check = (...args: string[]) => unknot(["check", ...args], { cwd: folder });

  it("says in one sentence what is wrong with a tsconfig, and checks all the same", async () => {
    const { code, stdout, stderr } = await check("broken-config", "--fail-on", "warning");
    assert.equal(code, 1);
    assert.match(stdout, /floating-task/);
    assert.match(stderr, /^broken-config\/tsconfig\.json: .+\.\n$/);
  });

  it("needs no tsconfig", async () => {
    const { code, stdout } = await check("no-config", "--fail-on", "warning");
    assert.equal(code, 1);
    assert.match(stdout, /floating-task/);
  });

  it("checks the rest of a file that does not parse, and the other files", async () => {
    const { stdout, stderr } = await check("half", "--format", "json");
    assert.match(
      stderr,
      /^half\/[^:]+: '.+' does not parse at \d+:\d+ \(.+\), so only part of it is checked; correct it there\.\n$/,
    );
    const { summary, findings, notices } = JSON.parse(stdout);
    assert.equal(notices.length, 1);
    assert.equal(summary.files, 2);
    assert.deepEqual(
      findings.map((finding: { rule: string; line: number }) => [finding.rule, finding.line]),
      [["floating-task", 7]],
    );
  });

  it("ends with 2 and the remedy when a path does not exist", async () => {
    const { code, stdout, stderr } = await check("nowhere");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(stderr, "unknot: There is no file or folder 'nowhere': check the path.\n");
  });

  it("has nothing to say about a folder without sources", async () => {
    const { code, stdout } = await check("empty");
    assert.deepEqual([code, stdout], [0, "No findings in 0 files.\n"]);
  });

  it("shows a hostile file name without obeying it", async () => {
    const name = "evil\u001b[31m\u202e.ts";
    writeFileSync(path.join(folder, "no-config", name), broken);
    const { stdout } = await check("no-config");
    assert.ok(!stdout.includes("\u001b") && !stdout.includes("\u202e"));
    assert.match(stdout, /evil\\u001b\[31m\\u202e\.ts:7:3/);
  });
});
