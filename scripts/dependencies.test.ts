import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkDependencies } from "./dependencies.ts";

/** Sources that obey, as far as they go. */
const clean: Readonly<Record<string, string>> = {
  "protocol/package.json": '{ "exports": { "./*": "./*" } }',
  "protocol/ids.ts": "export const first = 1;",
  "dump/package.json": '{ "exports": { "./*": "./*" } }',
  "dump/read.ts": 'import { first } from "@unknot/protocol/ids.ts";\nexport const read = first;',
  "server/package.json": '{ "exports": { "./*": "./src/*" } }',
  "server/src/program/open.ts": 'import ts from "typescript";\nexport const open = ts;',
  "server/src/rules/one/rule.ts": "export const one = 1;",
  "server/src/rules/two/rule.ts": "export const two = 2;",
};

const planted: readonly (readonly [what: string, file: string, text: string, problem: RegExp])[] = [
  [
    "an import against the arrows",
    "protocol/ids.ts",
    'import { open } from "../server/src/program/open.ts";\nexport const first = open;',
    /^protocol\/ids\.ts:1 imports server\/src\/program\/open\.ts: protocol may import only nothing$/,
  ],
  [
    "one of types only",
    "dump/read.ts",
    'import type { open } from "@unknot/server/program/open.ts";\nexport const read: typeof open = 1;',
    /^dump\/read\.ts:1 imports server\/src\/program\/open\.ts: dump may import only protocol$/,
  ],
  [
    "a re-export",
    "dump/read.ts",
    '\nexport * from "../server/src/program/open.ts";',
    /^dump\/read\.ts:2 imports server\/src\/program\/open\.ts/,
  ],
  [
    "a dynamic import",
    "dump/read.ts",
    'export const read = () => import("../server/src/program/open.ts");',
    /^dump\/read\.ts:1 imports server\/src\/program\/open\.ts/,
  ],
  ["a package where none belongs", "dump/read.ts", 'import "semver";', /no dependencies here$/],
  [
    "the compiler outside of its folder",
    "server/src/passes/one.ts",
    'import ts from "typescript/unstable/sync";\nexport const one = ts;',
    /touched only in server\/src\/program$/,
  ],
  [
    "a rule that imports another",
    "server/src/rules/one/rule.ts",
    'import { two } from "../two/rule.ts";\nexport const one = two;',
    /a rule does not import another rule$/,
  ],
  [
    "a cycle",
    "server/src/passes/a.ts",
    'import { b } from "./b.ts";\nexport const a = b;',
    /^import cycle: server\/src\/passes\/a\.ts, server\/src\/passes\/b\.ts$/,
  ],
  ["a file that does not parse", "dump/read.ts", "export const = 1;", /^dump\/read\.ts does not parse/],
];

describe("the dependency check", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "unknot-arrows-"));
    for (const [file, text] of Object.entries(clean)) write(file, text);
    write("server/src/passes/b.ts", 'import { a } from "./a.ts";\nexport const b = a;');
    write("server/src/passes/a.ts", "export const a = 1;");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("is content with imports along the arrows", () => {
    const { problems, imports } = checkDependencies(root);
    assert.deepEqual(problems, []);
    assert.equal(imports, 3);
  });

  for (const [what, file, text, problem] of planted) {
    it(`reports ${what}`, () => {
      write(file, text);
      const { problems } = checkDependencies(root);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] as string, problem);
    });
  }

  function write(file: string, text: string): void {
    const target = path.join(root, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
});
