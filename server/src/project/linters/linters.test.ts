import assert from "node:assert/strict";
import type { LinterTopic } from "../../analysis/analyzer.ts";
import { type TestProject, testProject } from "../../program/testing/project.ts";
import { createLinters } from "./linters.ts";

const rule = "@typescript-eslint/no-floating-promises";
const flat = (body: string) => `import tseslint from "typescript-eslint";
import eslint from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import prettier from "eslint-config-prettier";
import own from "@corp/eslint-config";
${body}`;
const typed = "tseslint.configs.recommendedTypeChecked";

type Files = Readonly<Record<string, string>>;

describe("linters that report mistakes with promises", () => {
  const projects: TestProject[] = [];
  afterEach(() => {
    for (const project of projects.splice(0)) project.dispose();
  });
  const reporter = (files: Files, file = "src/a.ts", about: LinterTopic = "floating"): string => {
    const project = testProject({ ".git/HEAD": "", ...files });
    projects.push(project);
    return createLinters()(project.path(file), about)?.name ?? "nobody";
  };
  /** Who reports in `src/a.ts`, or in the file that the case names. */
  const cases = (list: readonly (readonly [what: string, who: string, files: Files, file?: string])[]) => {
    for (const [what, who, files, file] of list) {
      it(`${what}: ${who}`, () => assert.equal(reporter(files, file), who));
    }
  };
  const eslint = (body: string): Files => ({ "eslint.config.mjs": flat(body) });

  describe("ESLint, flat", () => {
    cases([
      ["no configuration", "nobody", {}],
      [
        "a preset with types",
        "ESLint",
        eslint(`export default defineConfig(eslint.configs.recommended, ${typed});`),
      ],
      ["the same, spread in a list", "ESLint", eslint(`export default [...${typed}, prettier];`)],
      ["the helper of typescript-eslint", "ESLint", eslint(`export default tseslint.config([${typed}]);`)],
      ["a constant", "ESLint", eslint(`const all = [${typed}];\nexport default all;`)],
      ["a preset without types", "nobody", eslint("export default [...tseslint.configs.strict];")],
      [
        "switched off later",
        "nobody",
        eslint(`export default [...${typed}, { rules: { "${rule}": "off" } }];`),
      ],
      [
        "switched off for other files",
        "ESLint",
        eslint(`export default [...${typed}, { files: ["test/**"], rules: { "${rule}": 0 } }];`),
      ],
      [
        "switched off for these files",
        "nobody",
        eslint(`export default [...${typed}, { files: ["src/**"], rules: { "${rule}": ["off"] } }];`),
      ],
      [
        "types switched off",
        "nobody",
        eslint(
          `export default [...${typed}, { files: ["**/*.ts"], extends: [tseslint.configs.disableTypeChecked] }];`,
        ),
      ],
      [
        "the rule by name, for files",
        "ESLint",
        eslint(
          `export default [{ files: ["**/*.ts"], rules: { "${rule}": ["error", { ignoreVoid: true }] } }];`,
        ),
      ],
      [
        "the rule by name, TypeScript not looked at",
        "nobody",
        eslint(`export default [{ rules: { "${rule}": "error" } }];`),
      ],
      [
        "a glob of the top folder only",
        "nobody",
        eslint(`export default [{ files: ["*.ts"], rules: { "${rule}": "error" } }];`),
      ],
      [
        "options that let calls pass",
        "nobody",
        eslint(`export default [...${typed}, { rules: { "${rule}": ["error", { ignoreIIFE: true }] } }];`),
      ],
      ["ignored globally", "nobody", eslint(`export default [...${typed}, globalIgnores(["src"])];`)],
      ["ignored by an element", "nobody", eslint(`export default [{ ignores: ["src/**"] }, ...${typed}];`)],
      ["something unknown after", "nobody", eslint(`export default [...${typed}, ...own];`)],
      [
        "something unknown before",
        "ESLint",
        eslint(
          `export default [...own, ...tseslint.configs.base, { files: ["**/*.ts"], rules: { "${rule}": 2 } }];`,
        ),
      ],
      [
        "an extended preset for these files",
        "ESLint",
        eslint(`export default defineConfig({ files: ["src/**/*.ts"], extends: [${typed}] });`),
      ],
      [
        "an extended preset for other files",
        "nobody",
        eslint(`export default defineConfig({ files: ["lib/**/*.ts"], extends: [${typed}] });`),
      ],
      ["computed files", "nobody", eslint(`export default [{ files: list(), rules: { "${rule}": 2 } }];`)],
      [
        "a program",
        "nobody",
        eslint(`const c = [...${typed}];\nif (process.env.CI) c.pop();\nexport default c;`),
      ],
      ["a cycle", "nobody", eslint("const a = b;\nconst b = a;\nexport default [a];")],
      [
        "CommonJS",
        "ESLint",
        {
          "eslint.config.cjs": `const tseslint = require("typescript-eslint");\nmodule.exports = tseslint.config(${typed});`,
        },
      ],
      [
        "TypeScript syntax",
        "nobody",
        { "eslint.config.ts": flat(`export default [...${typed}] satisfies X;`) },
      ],
      [
        "the nearest configuration",
        "nobody",
        { ...eslint(`export default ${typed};`), "src/eslint.config.js": "export default [];" },
      ],
      [
        "a flat configuration beside an old one",
        "nobody",
        { "eslint.config.js": "export default [];", ".eslintrc.json": `{"rules":{"${rule}":2}}` },
      ],
    ]);
  });

  describe("ESLint, .eslintrc", () => {
    const json = (value: unknown): Files => ({ ".eslintrc.json": JSON.stringify(value) });
    cases([
      ["the rule", "ESLint", json({ rules: { [rule]: "error" } })],
      [
        "a preset",
        "ESLint",
        json({ extends: ["eslint:recommended", "plugin:@typescript-eslint/recommended-type-checked"] }),
      ],
      [
        "an older name",
        "ESLint",
        json({ extends: "plugin:@typescript-eslint/recommended-requiring-type-checking" }),
      ],
      ["a preset without types", "nobody", json({ extends: "plugin:@typescript-eslint/recommended" })],
      [
        "a shareable configuration after it",
        "nobody",
        json({ extends: ["plugin:@typescript-eslint/all", "corp"] }),
      ],
      ["the rule after a shareable configuration", "ESLint", json({ extends: "corp", rules: { [rule]: 1 } })],
      [
        "an override",
        "nobody",
        json({ rules: { [rule]: 2 }, overrides: [{ files: "*.ts", rules: { [rule]: 0 } }] }),
      ],
      [
        "an override with exceptions",
        "ESLint",
        json({
          rules: { [rule]: 2 },
          overrides: [{ files: "*.ts", excludedFiles: "src/**", rules: { [rule]: 0 } }],
        }),
      ],
      ["ignored files", "nobody", json({ rules: { [rule]: 2 }, ignorePatterns: ["src"] })],
      [
        "a file that is extended",
        "ESLint",
        { ...json({ extends: "./base.json" }), "base.json": JSON.stringify({ rules: { [rule]: 2 } }) },
      ],
      ["a file that extends itself", "nobody", json({ extends: "./.eslintrc.json" })],
      [
        "package.json",
        "ESLint",
        { "package.json": JSON.stringify({ eslintConfig: { rules: { [rule]: 2 } } }) },
      ],
      [
        "a nearer file",
        "nobody",
        { ...json({ rules: { [rule]: 2 } }), "src/.eslintrc.json": `{"rules":{"${rule}":"off"}}` },
      ],
      [
        "a nearer root",
        "nobody",
        { ...json({ rules: { [rule]: 2 } }), "src/.eslintrc.json": '{"root":true}' },
      ],
      [
        "a nearer file that is a program",
        "nobody",
        { ...json({ rules: { [rule]: 2 } }), "src/.eslintrc.js": "" },
      ],
    ]);
  });

  describe("oxlint", () => {
    const rc = (value: unknown, scripts = {}): Files => ({
      ".oxlintrc.json": JSON.stringify(value),
      "package.json": JSON.stringify({ scripts }),
    });
    const options = { typeAware: true };
    cases([
      ["without types", "nobody", rc({ rules: { "typescript/no-floating-promises": "error" } })],
      ["with types, by default", "oxlint", rc({ options })],
      ["with types by a script", "oxlint", rc({}, { lint: "oxlint --type-aware && tsc" })],
      ["with types in another command", "nobody", rc({}, { lint: "oxlint && other --type-aware" })],
      ["the category is off", "nobody", rc({ options, categories: { correctness: "off" } })],
      [
        "the rule alone",
        "oxlint",
        rc({ options, categories: { correctness: "off" }, rules: { "no-floating-promises": "warn" } }),
      ],
      ["the rule is off", "nobody", rc({ options, rules: { [rule]: "off" } })],
      ["without the plugin", "nobody", rc({ options, plugins: ["react"], rules: { [rule]: "error" } })],
      ["an override", "nobody", rc({ options, overrides: [{ files: ["*.ts"], rules: { [rule]: "off" } }] })],
      ["ignored", "nobody", rc({ options, ignorePatterns: ["src/**"] })],
      [
        "a nested configuration",
        "oxlint",
        { ...rc({ options, rules: { [rule]: "off" } }), "src/.oxlintrc.json": "{}" },
      ],
    ]);
  });

  describe("Biome", () => {
    const json = (value: unknown): Files => ({ "biome.json": JSON.stringify(value) });
    const on = { linter: { rules: { nursery: { noFloatingPromises: "error" } } } };
    cases([
      ["without the rule", "nobody", json({})],
      ["with the rule", "Biome", json(on)],
      [
        "with options",
        "Biome",
        json({ linter: { rules: { suspicious: { noFloatingPromises: { level: "warn" } } } } }),
      ],
      ["the linter is off", "nobody", json({ linter: { enabled: false, ...on.linter } })],
      ["not included", "nobody", json({ ...on, files: { includes: ["lib/**"] } })],
      ["excluded", "nobody", json({ ...on, files: { includes: ["**", "!src"] } })],
      [
        "an override",
        "nobody",
        json({
          ...on,
          overrides: [
            { includes: ["src/**"], linter: { rules: { nursery: { noFloatingPromises: "off" } } } },
          ],
        }),
      ],
      ["a nested configuration", "Biome", { ...json(on), "src/biome.json": '{"extends":"//"}' }],
      ["a nested configuration of its own", "nobody", { ...json(on), "src/biome.json": "{}" }],
      ["an extended package", "nobody", json({ ...on, extends: ["@corp/biome"] })],
    ]);
  });

  describe("promises where no promise is wanted", () => {
    const misused = "@typescript-eslint/no-misused-promises";
    const withRule = (entry: unknown): Files =>
      eslint(`export default [...${typed}, { rules: { "${misused}": ${JSON.stringify(entry)} } }];`);
    const both = (what: string, callbacks: string, conditions: string, files: Files) => {
      it(`${what}: ${callbacks} for callbacks, ${conditions} for conditions`, () => {
        assert.equal(reporter(files, "src/a.ts", "void-callback"), callbacks);
        assert.equal(reporter(files, "src/a.ts", "condition"), conditions);
      });
    };
    both("a preset with types", "ESLint", "ESLint", eslint(`export default [...${typed}];`));
    both("switched off", "nobody", "nobody", withRule("off"));
    both("without callbacks", "nobody", "ESLint", withRule([2, { checksVoidReturn: false }]));
    both("without arguments", "nobody", "ESLint", withRule([2, { checksVoidReturn: { arguments: false } }]));
    both(
      "without attributes",
      "ESLint",
      "ESLint",
      withRule([2, { checksVoidReturn: { attributes: false } }]),
    );
    both("without conditions", "ESLint", "nobody", withRule(["warn", { checksConditionals: false }]));
    both(
      "the other rule is off",
      "ESLint",
      "ESLint",
      eslint(`export default [...${typed}, { rules: { "${rule}": "off" } }];`),
    );
    both("an .eslintrc", "ESLint", "ESLint", {
      ".eslintrc.json": JSON.stringify({ rules: { [misused]: 2 } }),
    });
    const oxlint = (value: unknown): Files => ({ ".oxlintrc.json": JSON.stringify(value) });
    const options = { typeAware: true };
    both("oxlint by default", "nobody", "nobody", oxlint({ options }));
    both("oxlint's category", "oxlint", "oxlint", oxlint({ options, categories: { pedantic: "warn" } }));
    both("oxlint's rule", "oxlint", "oxlint", oxlint({ options, rules: { "no-misused-promises": "error" } }));
    both("Biome's rule", "Biome", "Biome", {
      "biome.json": JSON.stringify({ linter: { rules: { nursery: { noMisusedPromises: "on" } } } }),
    });
    both("Biome's other rule", "nobody", "nobody", {
      "biome.json": JSON.stringify({ linter: { rules: { nursery: { noFloatingPromises: "on" } } } }),
    });
  });
});
