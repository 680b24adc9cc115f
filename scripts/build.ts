// `npm run build`: bundles everything into dist/. Two products come out of the same sources:
//   dist/extension  what the .vsix ships: extension, language server, tracer, TypeScript's native compiler
//   dist/npm        what npm publishes as `unknot`: the CLI and `unknot/register`, `unknot/testing`
// `--meta` also prints the size of each bundle.
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { copyExtensionFiles } from "./extension-files.ts";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** One bundle: its entry in the sources and the file it becomes in the two products. */
export interface Bundle {
  readonly entry: string;
  readonly extension?: string;
  readonly npm?: string;
  readonly format: "esm" | "cjs" | "iife";
  /** For a page of VS Code's: a script that imports nothing. */
  readonly browser?: boolean;
  /** A command: starts with `#!` and may be executed. */
  readonly executable?: boolean;
  /** Packages that are not bundled; they are installed (npm) or copied (extension) beside it. */
  readonly external?: readonly string[];
}

/** What programs and tests import of the npm package: the name after `unknot`, and the file that it is. */
const publicModules: Readonly<Record<string, string>> = {
  ".": "index",
  "./testing": "testing",
  "./testing/mocha": "testing-mocha",
  "./testing/node": "testing-node",
  "./vitest": "vitest",
  "./jest": "jest",
  "./playwright": "playwright",
};

/** What those add to a runner's setup files. */
const setupFiles: readonly Bundle[] = [
  {
    entry: "tracer/src/public/testing-vitest.ts",
    npm: "testing-vitest.mjs",
    format: "esm",
    external: ["vitest"],
  },
  { entry: "tracer/src/public/testing-jest.ts", npm: "testing-jest.cjs", format: "cjs" },
];

export const bundles: readonly Bundle[] = [
  { entry: "client/src/extension.ts", extension: "extension.cjs", format: "cjs", external: ["vscode"] },
  {
    entry: "client/src/views/graph/page/main.ts",
    extension: "page/graph.js",
    format: "iife",
    browser: true,
  },
  { entry: "server/src/lsp/main.ts", extension: "server.mjs", format: "esm" },
  { entry: "server/src/worker/worker.ts", extension: "worker.mjs", npm: "worker.mjs", format: "esm" },
  { entry: "server/src/models/check-installed.ts", npm: "models.mjs", format: "esm" },
  { entry: "cli/src/main.ts", npm: "unknot.mjs", format: "esm", executable: true },
  {
    // By itself it fits into the heap of the smallest thread, which is left alone.
    entry: "tracer/src/register.ts",
    extension: "tracer/register.cjs",
    npm: "register.cjs",
    format: "cjs",
  },
  {
    entry: "tracer/src/start.ts",
    extension: "tracer/start.cjs",
    npm: "start.cjs",
    format: "cjs",
    external: ["oxc-parser"],
  },
  {
    entry: "tracer/src/hooks-thread/hooks.ts",
    extension: "tracer/module-hooks.cjs",
    npm: "module-hooks.cjs",
    format: "cjs",
    external: ["oxc-parser"],
  },
  {
    entry: "tracer/src/serve/worker.ts",
    extension: "tracer/tracer-worker.cjs",
    npm: "tracer-worker.cjs",
    format: "cjs",
  },
  ...Object.values(publicModules).map(
    (name): Bundle => ({ entry: `tracer/src/public/${name}.ts`, npm: `${name}.cjs`, format: "cjs" }),
  ),
  ...setupFiles,
];

/** ES modules get the `require` that bundled CommonJS packages expect. */
const requireForEsm = `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

/** Bundles into `target` (`dist` by default). `plugins` lets CI build a mutant. */
export async function buildAll(
  target = path.join(root, "dist"),
  plugins: readonly Plugin[] = [],
): Promise<void> {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const bundle of bundles) await buildBundle(bundle, target, plugins);
  copyPreload(target);
  copyExtensionFiles(root, path.join(target, "extension"));
  writeNpmManifest(target);
  copyRulePages(target);
}

/** Bundles one entry into `target`. */
export async function buildBundle(
  bundle: Bundle,
  target: string,
  plugins: readonly Plugin[] = [],
): Promise<void> {
  const [first, ...copies] = outputsOf(bundle);
  if (first === undefined) return;
  const options: BuildOptions = {
    absWorkingDir: root,
    entryPoints: [bundle.entry],
    outfile: path.join(target, first),
    bundle: true,
    platform: bundle.browser ? "browser" : "node",
    // The oldest Electron that VS Code 1.106 may have; the extension's and the programs' Node.
    target: bundle.browser ? "chrome138" : "node20",
    // The main file of some packages (jsonc-parser) is of a kind that can't be bundled; their module is.
    mainFields: ["module", "main"],
    format: bundle.format,
    external: [...(bundle.external ?? [])],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "linked",
    logLevel: "warning",
    plugins: [...plugins],
    banner: {
      js: [bundle.executable ? "#!/usr/bin/env node" : "", bundle.format === "esm" ? requireForEsm : ""]
        .join("\n")
        .trim(),
    },
  };
  await build(options);
  if (bundle.executable) chmodSync(path.join(target, first), 0o755);
  for (const copy of copies) {
    mkdirSync(path.dirname(path.join(target, copy)), { recursive: true });
    cpSync(path.join(target, first), path.join(target, copy));
  }
}

/** What children of a traced program preload: as it is written, for very old versions of Node. */
function copyPreload(target: string): void {
  for (const folder of ["extension/tracer", "npm"]) {
    cpSync(path.join(root, "tracer", "src", "child.cjs"), path.join(target, folder, "child.cjs"));
  }
}

/** The rules' pages, for `unknot explain` and for the links of problems in VS Code. */
function copyRulePages(target: string): void {
  const rules = path.join(root, "server", "src", "rules");
  for (const page of globSync("*/doc.md", { cwd: rules })) {
    for (const product of ["npm", "extension"]) {
      cpSync(path.join(rules, page), path.join(target, product, "rules", `${path.dirname(page)}.md`));
    }
  }
}

/** Where a bundle goes, relative to the target folder. */
function outputsOf(bundle: Bundle): readonly string[] {
  const outputs: string[] = [];
  if (bundle.extension !== undefined) outputs.push(path.join("extension", bundle.extension));
  if (bundle.npm !== undefined) outputs.push(path.join("npm", bundle.npm));
  return outputs;
}

function writeNpmManifest(target: string): void {
  const own = manifest("package.json");
  const { typescript } = manifest("server/package.json").dependencies ?? {};
  const { "oxc-parser": oxc } = manifest("tracer/package.json").dependencies ?? {};
  const npm = {
    name: "unknot",
    version: own.version,
    description: own.description,
    license: own.license,
    type: "module",
    engines: { node: own.engines?.["node"] },
    bin: { unknot: "./unknot.mjs" },
    exports: {
      "./register": "./register.cjs",
      ...Object.fromEntries(
        Object.entries(publicModules).map(([name, file]) => [name, exportOf(target, file)]),
      ),
      "./package.json": "./package.json",
    },
    dependencies: { "oxc-parser": oxc, typescript },
    // The plugin's setup file uses the vitest of the project.
    peerDependencies: { vitest: ">=2.0.0" },
    peerDependenciesMeta: { vitest: { optional: true } },
  };
  writeFileSync(path.join(target, "npm", "package.json"), `${JSON.stringify(npm, null, 2)}\n`);
  for (const file of ["LICENSE"]) cpSync(path.join(root, file), path.join(target, "npm", file));
}

/** A module with its types, where it has any. */
function exportOf(
  target: string,
  name: string,
): string | { readonly types: string; readonly default: string } {
  const types = path.join(root, "tracer", "src", "public", `${name}.d.cts`);
  const file = `./${name}.cjs`;
  if (!existsSync(types)) return file;
  cpSync(types, path.join(target, "npm", `${name}.d.cts`));
  return { types: `./${name}.d.cts`, default: file };
}

interface Manifest {
  readonly version?: string;
  readonly description?: string;
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifest(file: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, file), "utf8")) as Manifest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildAll();
  if (process.argv.includes("--meta")) {
    for (const bundle of bundles) {
      const file = bundle.extension ? `extension/${bundle.extension}` : `npm/${bundle.npm}`;
      console.log(
        `${(statSync(path.join(root, "dist", file)).size / 1024).toFixed(0).padStart(6)} KB  ${file}`,
      );
    }
  }
}
