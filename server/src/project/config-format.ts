import { type Field, type Shape, schemaOfRecords } from "@unknot/models/format.ts";
import { severities } from "@unknot/protocol/finding.ts";

// Which fields `unknot.config.json` may have. The JSON schema for editors and the check of what people write are both
// made from this table.

/** When to leave floating promises to another linter. */
export const deferences = ["auto", "always", "never"] as const;
export type DeferToLinter = (typeof deferences)[number];

/** A rule as the schema describes it. */
export interface NamedRule {
  readonly id: string;
  readonly title: string;
}

const text: Shape = { is: "string" };
const texts: Shape = { is: "list", of: text };
const severity: Shape = { is: "string", values: [...severities, "off"] };

/** The records of the file; `config` is the file itself. */
export function configRecords(
  rules: readonly NamedRule[],
): Readonly<Record<string, Readonly<Record<string, Field>>>> {
  return {
    config: {
      $schema: { shape: text, about: "The schema of this file, for editors." },
      rules: {
        shape: { is: "record", name: "rules" },
        about: "How severe each rule's findings are, in tests and scripts too; `off` turns a rule off.",
      },
      overrides: {
        shape: { is: "list", of: { is: "record", name: "override" } },
        about: "Other severities for some files. Of two that speak about a file the later one counts.",
      },
      exclude: {
        shape: texts,
        about:
          "Files in which nothing is reported, as glob patterns below this folder. They are still read, because others may depend on them.",
      },
      models: {
        shape: texts,
        about:
          "Model files besides those in `.unknot/models`, relative to this folder: they describe locks, queues and other libraries of your own.",
      },
      baseline: {
        shape: { is: "either", of: [text, { is: "boolean", only: false }] },
        about: "The baseline file, `unknot-baseline.json` if not given; false for none.",
      },
      mutedProblems: {
        shape: { is: "list", of: { is: "record", name: "mutedProblem" } },
        about:
          "Problems of running programs that are counted and not shown, where they are first found in a file of this folder.",
      },
      floatingTask: {
        shape: { is: "record", name: "floatingTask" },
        about: "Options of the rule `floating-task`.",
      },
    },
    rules: Object.fromEntries(rules.map(({ id, title }) => [id, { shape: severity, about: `${title}.` }])),
    override: {
      files: {
        shape: texts,
        about:
          "Glob patterns below this folder: `*.test.ts` at any depth, `scripts` with all that is in it, `!` takes out.",
        required: true,
      },
      rules: { shape: { is: "record", name: "rules" }, about: "The severities there.", required: true },
    },
    mutedProblem: {
      problem: {
        shape: text,
        about: "The problem's id, as a rule's, or its verdict, as `long-wait`.",
        required: true,
      },
      file: {
        shape: text,
        about: "The end of the path of the file that it is first found in; without it, everywhere.",
      },
      reason: { shape: text, about: "Why, for those who read it." },
    },
    floatingTask: {
      deferToLinter: {
        shape: { is: "string", values: deferences },
        about:
          "Leave floating promises to ESLint, oxlint or Biome: `auto` where their configuration is known to report them, `always`, or `never`.",
      },
      safeToDrop: {
        shape: texts,
        about: "Callees, as written, whose promise may be dropped: `test`, `logger.flush`.",
      },
    },
  };
}

export function configSchema(rules: readonly NamedRule[]): object {
  return schemaOfRecords("Unknot project configuration", configRecords(rules), "config");
}
