import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** One idea of one rule: a file, or a folder of files that belong together. */
export interface Fixture {
  /** The rule in whose folder it stands. */
  readonly rule: string;
  /** `inversion-through-callee`, or `doc: Wrong 1`. */
  readonly name: string;
  /** Paths below the fixture's own folder, and texts. */
  readonly files: ReadonlyMap<string, string>;
  /** Of an example of the page: whether the rule has to report something in it, or nothing may. */
  readonly example?: "wrong" | "right";
}

/** The fixtures of all rules, and the examples of their pages. */
export function readFixtures(): Fixture[] {
  const rules = globSync("server/src/rules/*/rule.ts", { cwd: root }).map((file) =>
    path.basename(path.dirname(file)),
  );
  return rules.sort().flatMap((rule) => [...fixturesOf(rule), ...examplesOf(rule)]);
}

function fixturesOf(rule: string): Fixture[] {
  const folder = path.join(root, "server/src/rules", rule, "fixtures");
  const files = globSync("**/*.{ts,tsx,js,mts}", { cwd: folder })
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  const fixtures = new Map<string, Map<string, string>>();
  for (const file of files) {
    const [first = "", ...rest] = file.split("/");
    const name = rest.length === 0 ? first.replace(/\.[^.]+$/, "") : first;
    const texts = fixtures.get(name) ?? new Map<string, string>();
    texts.set(rest.length === 0 ? first : rest.join("/"), readFileSync(path.join(folder, file), "utf8"));
    fixtures.set(name, texts);
  }
  return [...fixtures].map(([name, texts]) => ({ rule, name, files: texts }));
}

/** The code blocks below the headings "Wrong" and "Right" of a rule's page. */
function examplesOf(rule: string): Fixture[] {
  const page = readFileSync(path.join(root, "server/src/rules", rule, "doc.md"), "utf8");
  const examples: Fixture[] = [];
  for (const section of page.split(/^## /m)) {
    const heading = /^(Wrong|Right)\b/.exec(section)?.[1];
    if (!heading) continue;
    for (const [index, match] of [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries()) {
      examples.push({
        rule,
        name: `doc ${heading} ${index + 1}`,
        files: new Map([[`${heading.toLowerCase()}-${index + 1}.ts`, match[1] ?? ""]]),
        example: heading === "Wrong" ? "wrong" : "right",
      });
    }
  }
  return examples;
}

/** What a line of a fixture says about itself. */
export interface Expectation {
  readonly kind: "want" | "missed" | "false-alarm";
  readonly rule: string;
  readonly severity?: string;
  /** What the message has to contain; of `missed` and `false-alarm`, the reason. */
  readonly text: string;
  readonly line: number;
}

/**
 * `// want <rule> [severity] "text"`: a finding has to be there. `// missed <rule>: reason`: one should be and is not.
 * `// false-alarm <rule>: reason`: one is there and should not be.
 */
export function expectationsIn(text: string): Expectation[] {
  return text.split("\n").flatMap((content, index) => {
    const line = index + 1;
    const wants = [...content.matchAll(/\bwant ([a-z-]+)(?: (error|warning|information|hint))? "([^"]*)"/g)];
    const known = [...content.matchAll(/\b(missed|false-alarm) ([a-z-]+): ([^*]*)/g)];
    return [
      ...wants.map(
        ([, rule = "", severity, wanted = ""]): Expectation => ({
          kind: "want",
          rule,
          ...(severity === undefined ? {} : { severity }),
          text: wanted,
          line,
        }),
      ),
      ...known.map(
        ([, kind, rule = "", reason = ""]): Expectation => ({
          kind: kind === "missed" ? "missed" : "false-alarm",
          rule,
          text: reason.trim(),
          line,
        }),
      ),
    ];
  });
}

/** Variations that a fixture names as meaningless for it: `// not-under extract: the place of the call is the point`. */
export function excludedVariations(fixture: Fixture): ReadonlySet<string> {
  const found = [...fixture.files.values()].flatMap((text) =>
    [...text.matchAll(/^\/\/ not-under ([a-z-]+): /gm)].map((match) => match[1] ?? ""),
  );
  return new Set(found);
}
