import type { Severity } from "@unknot/protocol/finding.ts";
import type { FileFacts, ImportFact } from "../program/facts.ts";

/** What a file is for; everything that does not serve users has quieter defaults. */
export type FileRole = "source" | "test" | "script" | "generated" | "vendored";

const testPath =
  /(^|\/)(tests?|__tests__|__mocks__|specs?|e2e|cypress|playwright|testing|test-utils|testutils?|fixtures?|mocks?|benchmarks?|bench)\/|[.-](test|spec|e2e|bench|stories|cy)\.[cm]?[jt]sx?$|(^|\/)tests?[-_.]?(helpers?|utils?|utilities|setup|support)\.[cm]?[jt]sx?$/i;
const scriptPath =
  /(^|\/)(scripts?|bin|tools?|tooling|migrations?|seeds?|seeders?|examples?|demos?|docs|playgrounds?|hack|build|ci|\.github)\/|^(packages\/[^/]+\/)?dev\/|(^|\/)[^/]*\.config\.[cm]?[jt]s$|[.-]examples?\.[cm]?[jt]sx?$|(^|\/)(gulpfile|gruntfile|jakefile)\.[cm]?[jt]s$/i;
/** Texts that tests read: what a codemod changes, what a compiler is given. */
const samplePath = /(^|\/)(tests?|__tests__|specs?)\/(.*\/)?(fixtures?|__fixtures__|samples?)\//i;
const vendoredPath = /(^|\/)(vendor|vendored|third[_-]?party|dist|public\/assets)\/|\.min\.[cm]?js$/i;

const known = new WeakMap<FileFacts, { readonly path: string; readonly role: FileRole }>();

/** By its path below the root of the project, by the globals of test runners, by a comment at its top. */
export function roleOf(facts: FileFacts, path: string): FileRole {
  const before = known.get(facts);
  if (before?.path === path) return before.role;
  const role = findRole(facts, path);
  known.set(facts, { path, role });
  return role;
}

function findRole(facts: FileFacts, path: string): FileRole {
  if (facts.generated) return "generated";
  if (vendoredPath.test(path) || samplePath.test(path)) return "vendored";
  if (testPath.test(path) || callsTestRunner(facts)) return "test";
  return scriptPath.test(path) || facts.hashbang ? "script" : "source";
}

/** Modules whose functions declare tests; what else they export (`vitest/config`) comes from other modules. */
const testRunners: ReadonlySet<string> = new Set([
  "node:test",
  "vitest",
  "@jest/globals",
  "mocha",
  "bun:test",
  "@playwright/test",
  "ava",
]);

const declaresTests: ReadonlySet<string> = new Set([
  "describe",
  "it",
  "test",
  "suite",
  "beforeEach",
  "afterEach",
  "beforeAll",
  "afterAll",
  "expect",
  "vi",
  "jest",
]);

/** `describe(…)` or `it(…)` that no one declares, at the top of the module, or that a test runner exports. */
function callsTestRunner(facts: FileFacts): boolean {
  if (facts.imports.some(isFromTestRunner)) return true;
  const module = facts.functions[0];
  if (!module) return false;
  const code = module.blocks.flatMap((block) => block.code);
  return code.some(
    (i) => i.op === "global" && (i.name === "describe" || i.name === "it" || i.name === "suite"),
  );
}

function isFromTestRunner({ specifier, imported, typeOnly }: ImportFact): boolean {
  return (
    !typeOnly &&
    testRunners.has(specifier) &&
    (declaresTests.has(imported) || (specifier === "ava" && imported === "default"))
  );
}

/** The severity that a finding has in a file of this role; undefined hides it. */
export function severityIn(role: FileRole, severity: Severity): Severity | undefined {
  switch (role) {
    case "source":
      return severity;
    case "script":
      return severity === "warning" ? "information" : severity;
    case "test":
      if (severity === "error") return "warning";
      return "hint";
    case "generated":
    case "vendored":
      return severity === "error" ? "hint" : undefined;
  }
}
