import assert from "node:assert/strict";
import type { Finding } from "@unknot/protocol/finding.ts";
import { differences, show } from "./differences.ts";
import { excludedVariations, expectationsIn, type Fixture, readFixtures } from "./fixtures.ts";
import { variations } from "./variations.ts";
import { applyEdits, createWorkspace, type Workspace } from "./workspace.ts";

/** Every fixture as written and under each variation, in one program; the fixed ones in a second. */
interface Case {
  readonly fixture: Fixture;
  /** `as written`, or the name of a variation. */
  readonly form: string;
  /** Path in the workspace, by path in the fixture. */
  readonly files: ReadonlyMap<string, string>;
  readonly texts: ReadonlyMap<string, string>;
}

const asWritten = "as-written";

describe("rules", () => {
  const fixtures = readFixtures();
  const cases = fixtures.flatMap((fixture) => [
    caseOf(fixture, asWritten, fixture.files),
    ...variations.flatMap((variation) => {
      if (fixture.example !== undefined || excludedVariations(fixture).has(variation.name)) return [];
      const changed = variation.apply(fixture.files);
      return changed ? [caseOf(fixture, variation.name, changed)] : [];
    }),
  ]);
  let workspace: Workspace;
  let typeErrors: ReadonlyMap<string, readonly string[]>;
  let findings: ReadonlyMap<string, readonly Finding[]>;
  let failures: readonly { readonly message: string }[];

  before(function () {
    this.timeout(120_000);
    workspace = createWorkspace();
    for (const { files, texts } of cases) {
      for (const [file, text] of texts) workspace.write(files.get(file) ?? file, text);
    }
    typeErrors = workspace.typeErrors();
    ({ findings, failures } = workspace.analyze());
  });
  after(function () {
    // Thousands of files.
    this.timeout(60_000);
    workspace.remove();
  });

  const found = ({ files }: Case): Finding[] =>
    [...files.values()].flatMap((file) => findings.get(file) ?? []);

  it("nothing crashes", () => {
    assert.deepEqual(
      failures.map((failure) => failure.message),
      [],
    );
  });

  for (const one of cases) {
    it(`${one.fixture.rule}: ${one.fixture.name}, ${one.form}`, () => {
      for (const file of one.files.values()) {
        assert.deepEqual(typeErrors.get(file) ?? [], [], `${file} does not compile:\n${textOf(one, file)}`);
      }
      if (one.fixture.example !== undefined) checkExample(one, found(one));
      else for (const [file, path] of one.files) checkFile(one, file, findings.get(path) ?? []);
    });
  }

  it("every variation changes a good part of the fixtures", () => {
    const counts = Object.fromEntries(
      variations.map(({ name }) => [name, cases.filter((one) => one.form === name).length]),
    );
    const total = fixtures.filter((fixture) => fixture.example === undefined).length;
    for (const [name, count] of Object.entries(counts)) {
      assert.ok(count >= total / 4, `${name} changes only ${count} of ${total} fixtures`);
    }
  });

  it("every fix compiles, clears its finding and adds none", function () {
    this.timeout(120_000);
    const fixed = createWorkspace();
    try {
      const applied = cases
        .filter((one) => one.form === asWritten)
        .flatMap((one) =>
          found(one).flatMap((finding, index) =>
            finding.fixes.map((fix, choice) => ({ one, finding, fix, folder: `fix-${index}-${choice}` })),
          ),
        );
      const paths = applied.map(({ one, fix, folder }) =>
        [...one.texts].map(([file, text]) => {
          const before = one.files.get(file) ?? file;
          const edits = fix.edits.filter((edit) => edit.at.file === `${workspace.folder}/${before}`);
          const target = `${folder}/${before}`;
          fixed.write(target, applyEdits(text, edits));
          return { target, text: applyEdits(text, edits) };
        }),
      );
      const errors = fixed.typeErrors();
      const after = fixed.analyze().findings;
      for (const [index, { one, finding, fix }] of applied.entries()) {
        const written = paths[index] ?? [];
        const label = `'${fix.title}' in ${one.fixture.rule}/${one.fixture.name}:\n${written.map(({ text }) => text).join("\n")}`;
        assert.deepEqual(
          written.flatMap(({ target }) => errors.get(target) ?? []),
          [],
          label,
        );
        const count = (list: readonly Finding[]) =>
          list.filter((other) => other.rule === finding.rule).length;
        const now = written.flatMap(({ target }) => after.get(target) ?? []);
        assert.ok(count(now) < count(found(one)), `${label}\nstill has: ${now.map(show).join("\n")}`);
        assert.ok(now.length < found(one).length, `${label}\nhas new: ${now.map(show).join("\n")}`);
      }
      assert.ok(applied.length > 0);
    } finally {
      fixed.remove();
    }
  });

  it("finds the same in files that are open in an editor", function () {
    this.timeout(120_000);
    const open = createWorkspace();
    try {
      const written = cases.filter(({ form }) => form === asWritten);
      for (const { files, texts } of written) {
        for (const [file, text] of texts) open.write(files.get(file) ?? file, text);
      }
      const all = open.analyze().findings;
      const files = written.flatMap((one) => [...one.files.values()]);
      for (const [file, now] of open.analyzeOpen(files)) assert.deepEqual(now, all.get(file) ?? [], file);
    } finally {
      open.remove();
    }
  });

  it("counts what is known to be wrong", () => {
    const known = fixtures.flatMap((fixture) =>
      [...fixture.files.values()].flatMap((text) =>
        expectationsIn(text).filter((one) => one.kind !== "want"),
      ),
    );
    const missed = known.filter((one) => one.kind === "missed").length;
    console.log(`      ${missed} known misses, ${known.length - missed} known false alarms`);
  });
});

function caseOf(fixture: Fixture, form: string, texts: ReadonlyMap<string, string>): Case {
  const folder = `${form}/${fixture.rule}/${fixture.name.replaceAll(" ", "-").toLowerCase()}`;
  return {
    fixture,
    form,
    texts,
    files: new Map([...texts.keys()].map((file) => [file, `${folder}/${file}`])),
  };
}

function textOf(one: Case, path: string): string {
  const file = [...one.files].find(([, target]) => target === path)?.[0] ?? "";
  return one.texts.get(file) ?? "";
}

function checkExample(one: Case, list: readonly Finding[]): void {
  const own = list.filter((finding) => finding.rule === one.fixture.rule);
  const text = [...one.texts.values()].join("\n");
  if (one.fixture.example === "right") assert.deepEqual(list.map(show), [], text);
  else assert.ok(own.length > 0, `${one.fixture.rule} reports nothing in\n${text}`);
}

function checkFile(one: Case, file: string, list: readonly Finding[]): void {
  const text = one.texts.get(file) ?? "";
  const problems = differences(text, list, { literally: one.form === asWritten });
  assert.deepEqual(problems, [], `${file} ${one.form}\n${text}`);
}
