import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import fc from "fast-check";
import { openProgram } from "../program/open-program.ts";
import { type TestProject, testProject } from "../program/testing/project.ts";
import { createProjectAnalysis } from "./project-analysis.ts";

// Findings that hang on what TypeScript says about names in other files, which is kept over edits.

const tsconfig = JSON.stringify({
  compilerOptions: {
    strict: true,
    target: "es2023",
    module: "nodenext",
    allowImportingTsExtensions: true,
    noEmit: true,
  },
});

const files = ["a", "b", "c"] as const;
type FileName = (typeof files)[number];

/** What a file declares: of some the type is inferred, so it follows the bodies, also of other files. */
const declaration = fc.constantFrom(
  "export function save() { return 1; }",
  "export async function save() { throw new Error(); }",
  "export const save = async () => { await other.load(); throw new Error(); };",
  "export function save() { return other.load(); }",
  "export function save(): void { other.load(); }",
  "export const save = other.save;",
  "export function save<T>(of: T) { return of; }",
  "export class Store { async put(n: number) { if (n > 1) throw new Error(); } get() { return 1; } }",
  "export class Store { put(n: number) { return n; } get() { return other.load(); } }",
  "export class Store extends other.Store { put(n: number): any { return super.put(n); } }",
  "export interface Store { put(n: number): Promise<void>; get(): number }",
  "export type Store = { put(n: number): void; get(): Promise<number> };",
  "export function load() { return Promise.reject(new Error()); }",
  "export const load = () => new other.Store().get();",
  "export async function load(): Promise<number> { await other.save(); throw new Error(); }",
  "export { load, save } from './third.ts';",
  "export * from './third.ts';",
  "export function each(run: (n: number) => void) { [1, 2].forEach(run); }",
  "export function each(run: (n: number) => Promise<void>) { return Promise.all([1, 2].map(run)); }",
  "declare global { interface Array<T> { each(run: (of: T) => void): void } }",
  "declare global { function every(): Promise<void>; }",
  "export let current: Store | undefined; export declare const store: Store;",
  "export const store = { put: (n: number) => other.load(), get: other.save };",
);

const use = fc.constantFrom(
  "other.save();",
  "other.load();",
  "void other.save();",
  "if (other.save()) return;",
  "new other.Store().put(1);",
  "new other.Store().get();",
  "other.store.put(2);",
  "other.store.get();",
  "other.each(async (n) => { await 1; if (n > 1) throw new Error(); });",
  "[1].each(async () => { throw new Error(); });",
  "const all = [1, 2].filter((n) => other.save());",
  "((of: other.Store) => { of.put(1); of.get(); })(null!);",
  "setTimeout(() => { other.load(); }, 1);",
  "await other.load(); other.save();",
  "every();",
  "own();",
);

interface Source {
  readonly declarations: readonly string[];
  readonly uses: readonly string[];
}

const source: fc.Arbitrary<Source> = fc.record({
  declarations: fc.uniqueArray(declaration, { minLength: 1, maxLength: 4 }),
  uses: fc.array(use, { minLength: 1, maxLength: 4 }),
});
const edit = fc.record({
  file: fc.constantFrom(...files),
  source: fc.option(source, { freq: 8 }),
  onDisk: fc.boolean(),
});

function textOf(file: FileName, { declarations, uses }: Source): string {
  const at = files.indexOf(file);
  const next = files[(at + 1) % files.length];
  const third = files[(at + 2) % files.length];
  return [
    `import * as other from "./${next}.ts";`,
    ...declarations.map((one) => one.replaceAll("./third.ts", `./${third}.ts`)),
    "async function own() { await 1; throw new Error(); }",
    `export async function run() {\n${uses.map((one) => `  { ${one} }`).join("\n")}\n}`,
  ].join("\n");
}

describe("findings after edits", function () {
  this.timeout(240_000);

  it("are those of a new program, also where they hang on types in other files", () => {
    const rules = new Set<string>();
    fc.assert(
      fc.property(
        fc.tuple(source, source, source),
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        (start, edits) => {
          const texts = new Map(files.map((file, at) => [`${file}.ts`, textOf(file, start[at] as Source)]));
          const project = testProject({
            ".git/HEAD": "",
            "tsconfig.json": tsconfig,
            ...Object.fromEntries(texts),
          });
          const program = openProgram();
          const analysis = createProjectAnalysis();
          const history: string[] = [];
          try {
            program.open([project.folder]);
            const check = () => {
              const { findings } = analysis.run(program, program.selected(), {});
              const fresh = fromScratch(project, texts);
              for (const { rule } of fresh) rules.add(rule);
              const show = () =>
                [...texts].map(([name, text]) => `// ${name}\n${text}`).join("\n") + history.join("\n");
              assert.deepEqual(findings, fresh, show());
            };
            check();
            for (const { file, source, onDisk } of edits) {
              const name = `${file}.ts`;
              const path = project.path(name);
              history.push(`// ${name} ${source ? (onDisk ? "written" : "typed") : "removed"}`);
              if (source === null) {
                program.closeBuffer(path);
                rmSync(path, { force: true });
                texts.delete(name);
                program.invalidate([path]);
              } else {
                const text = textOf(file, source);
                texts.set(name, text);
                if (onDisk) {
                  program.closeBuffer(path);
                  program.invalidate([project.write(name, text)]);
                } else program.setBuffer(path, text);
              }
              program.commit();
              check();
            }
          } finally {
            program.close();
            project.dispose();
          }
        },
      ),
      { numRuns: 10, seed: 5 },
    );
    assert.ok(rules.size >= 2, [...rules].join(", "));
  });
});

function fromScratch(project: TestProject, texts: ReadonlyMap<string, string>) {
  const program = openProgram();
  try {
    for (const [name, text] of texts) program.setBuffer(project.path(name), text);
    program.open([project.folder]);
    return createProjectAnalysis().run(program, program.selected(), {}).findings;
  } finally {
    program.close();
  }
}
