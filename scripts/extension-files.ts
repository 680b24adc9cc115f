// What the extension ships beside its bundles: programs of other people for this platform, and files that are read
// as they are.
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";

/** Copies them below `extension`; throws when npm has not installed the packages for this platform. */
export function copyExtensionFiles(root: string, extension: string): void {
  const packages = path.join(root, "node_modules");
  copyTypeScript(packages, path.join(extension, "typescript"));
  copyOxcParser(packages, path.join(extension, "tracer", "node_modules"));
  cpSync(path.join(root, "client", "src", "debugging", "shim.cjs"), path.join(extension, "shim.cjs"));
  const page = path.join(root, "client", "src", "views", "graph", "page");
  cpSync(path.join(page, "page.css"), path.join(extension, "page", "page.css"));
}

/** TypeScript's native compiler and the library declarations that it looks for beside itself. */
function copyTypeScript(packages: string, target: string): void {
  const name = `@typescript/typescript-${process.platform}-${process.arch}`;
  const source = installed(packages, name);
  cpSync(path.join(source, "lib"), target, { recursive: true });
  for (const file of ["LICENSE", "NOTICE.txt"]) cpSync(path.join(source, file), path.join(target, file));
}

/** The parser that the tracer asks for, with its native binding; types and the WebAssembly build stay behind. */
function copyOxcParser(packages: string, target: string): void {
  const parser = installed(packages, "oxc-parser");
  for (const file of ["package.json", "LICENSE", "src-js"]) {
    cpSync(path.join(parser, file), path.join(target, "oxc-parser", file), {
      recursive: true,
      filter: (from) => !/\.d\.[cm]?ts$|wasm\.js$|webcontainer-fallback\.cjs$/.test(from),
    });
  }
  const bindings = path.join(packages, "@oxc-parser");
  const here = readdirSync(bindings).filter((name) =>
    name.startsWith(`binding-${process.platform}-${process.arch}`),
  );
  if (here.length === 0)
    throw new Error(`npm has installed no binding of oxc-parser for ${process.platform}-${process.arch}.`);
  for (const name of here) {
    mkdirSync(path.join(target, "@oxc-parser"), { recursive: true });
    cpSync(path.join(bindings, name), path.join(target, "@oxc-parser", name), { recursive: true });
  }
}

function installed(packages: string, name: string): string {
  const folder = path.join(packages, name);
  if (!existsSync(folder))
    throw new Error(`npm has not installed ${name}: run npm ci on ${process.platform}-${process.arch}.`);
  return folder;
}
