// Looks into the `.vsix` that `npm run package` makes: what is in it, what is not, and how large it is.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "@unknot/scripts/build.ts";
import { packageExtension, target } from "@unknot/scripts/package.ts";
import { strFromU8, unzipSync } from "fflate";

/** Megabytes; the compiler alone is 9.1 of it. */
const mostVsix = 12;
/** Kilobytes of the bundles that VS Code or a traced program has to load. */
const mostBundle = {
  "extension.cjs": 1050,
  "tracer/register.cjs": 16,
  "tracer/start.cjs": 900,
  "page/graph.js": 90,
};

interface Manifest {
  readonly name: string;
  readonly publisher: string;
  readonly version: string;
  readonly main: string;
  readonly icon: string;
  readonly engines: { readonly vscode: string };
  readonly categories: readonly string[];
  readonly keywords: readonly string[];
  readonly activationEvents: readonly string[];
  readonly capabilities: Readonly<
    Record<string, { readonly supported: boolean | string; readonly description: string }>
  >;
  readonly contributes: {
    readonly commands: readonly {
      readonly command: string;
      readonly title: string;
      readonly category: string;
    }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly keybindings: readonly { readonly command: string; readonly when?: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly viewsContainers: Readonly<Record<string, readonly { readonly icon: string }[]>>;
    readonly configuration: {
      readonly properties: Readonly<Record<string, { readonly markdownDescription?: string }>>;
    };
    readonly languages: readonly {
      readonly id: string;
      readonly configuration?: string;
      readonly icon?: Readonly<Record<string, string>>;
    }[];
    readonly grammars: readonly { readonly path: string }[];
  };
}

describe("the packed extension", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-package-test-"));
  let vsix: string;
  let files: ReadonlyMap<string, Uint8Array>;
  let manifest: Manifest;

  before(async () => {
    vsix = await packageExtension(undefined, folder);
    const entries = Object.entries(unzipSync(readFileSync(vsix)));
    files = new Map(entries.map(([name, bytes]) => [name.replace(/^extension\//, ""), bytes]));
    manifest = JSON.parse(text("package.json")) as Manifest;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bytes = (name: string) => {
    const found = files.get(name);
    assert.ok(found, `${name} is in the package`);
    return found;
  };
  const text = (name: string) => strFromU8(bytes(name));

  it("holds what is meant to ship and nothing else", () => {
    const allowed = [
      /^(extension\.vsixmanifest|\[Content_Types\]\.xml|package\.json|readme\.md|changelog\.md|LICENSE\.txt)$/,
      /^media\/(icon\.png|(view|deadlock|taskdump-\w+)\.svg)$/,
      /^docs\/images\/[^/]+\.png$/,
      /^syntaxes\/[^/]+\.json$/,
      /^(media\/unknot\.config|models\/model)\.schema\.json$/,
      /^dist\/extension\/(extension\.cjs|server\.mjs|worker\.mjs|shim\.cjs)(\.LEGAL\.txt)?$/,
      /^dist\/extension\/page\/(graph\.js(\.LEGAL\.txt)?|page\.css)$/,
      /^dist\/extension\/rules\/[\w-]+\.md$/,
      /^dist\/extension\/tracer\/[^/]+\.[cm]js(\.LEGAL\.txt)?$/,
      /^dist\/extension\/tracer\/node_modules\/(oxc-parser|@oxc-parser\/binding-[^/]+)\//,
      /^dist\/extension\/typescript\/(tsc(\.exe|\.sig)?|lib\.[\w.]*d\.ts|LICENSE|NOTICE\.txt)$/,
    ];
    const strangers = [...files.keys()].filter((name) => !allowed.some((pattern) => pattern.test(name)));
    assert.deepEqual(strangers, []);
    for (const name of ["extension.cjs", "server.mjs", "worker.mjs", "shim.cjs", "tracer/start.cjs"]) {
      bytes(`dist/extension/${name}`);
    }
  });

  it("says nothing about this repository in its manifest", () => {
    for (const field of ["workspaces", "scripts", "devDependencies", "dependencies", "bin", "private"]) {
      assert.ok(!(field in manifest), field);
    }
  });

  it("is small", () => {
    const size = statSync(vsix).size / 1024 / 1024;
    assert.ok(size < mostVsix, `${size.toFixed(1)} MB`);
    for (const [name, most] of Object.entries(mostBundle)) {
      const kilobytes = bytes(`dist/extension/${name}`).length / 1024;
      assert.ok(kilobytes < most, `${name}: ${kilobytes.toFixed(0)} KB`);
    }
  });

  it("is marked for this platform and has binaries that run on it", () => {
    assert.match(text("extension.vsixmanifest"), new RegExp(`TargetPlatform="${target}"`));
    const executable = process.platform === "win32" ? "tsc.exe" : "tsc";
    const parsers = [...files.keys()].filter((name) => name.endsWith(".node"));
    assert.ok(parsers.length > 0, "the parser's binding");
    for (const name of [`dist/extension/typescript/${executable}`, ...parsers]) {
      assert.equal(platformOf(bytes(name)), target, name);
    }
  });

  it("has a manifest whose parts fit together", () => {
    assert.equal(`${manifest.publisher}.${manifest.name}`, "unknot.unknot");
    bytes(path.posix.normalize(manifest.main));
    const { contributes } = manifest;
    const commands = contributes.commands.map(({ command }) => command);
    assert.equal(new Set(commands).size, commands.length);
    for (const { title, category } of contributes.commands) {
      assert.equal(category, "Unknot");
      assert.match(title, /^[A-Z][\w' .-]+[?…]?$/);
    }
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings];
    // VS Code gives each view a command that shows it.
    const shows = Object.values(contributes.views).flatMap((some) => some.map(({ id }) => `${id}.focus`));
    for (const { command } of used) assert.ok([...commands, ...shows].includes(command), command);
    // A key without a view in its condition would leak into editors.
    for (const { command, when } of contributes.keybindings)
      assert.match(when ?? "", /focusedView == unknot\./, command);
    for (const [name, setting] of Object.entries(contributes.configuration.properties)) {
      assert.match(name, /^unknot\./);
      assert.ok(setting.markdownDescription, name);
    }
    const paths = [
      manifest.icon,
      ...Object.values(contributes.viewsContainers).flatMap((some) => some.map(({ icon }) => icon)),
      ...contributes.grammars.map((grammar) => grammar.path),
      ...contributes.languages.flatMap(({ configuration, icon }) =>
        [configuration ?? [], Object.values(icon ?? {})].flat(),
      ),
    ];
    for (const file of paths) bytes(path.posix.normalize(file));
  });

  it("activates for TypeScript, JavaScript and the debugging of Node, and for nothing else", () => {
    for (const event of manifest.activationEvents) {
      assert.match(event, /^onLanguage:(type|java)script(react)?$|^onDebugResolve:(pwa-)?node(-terminal)?$/);
    }
  });

  it("says what is off in untrusted and virtual workspaces", () => {
    for (const name of ["untrustedWorkspaces", "virtualWorkspaces"]) {
      assert.ok((manifest.capabilities[name]?.description.length ?? 0) > 20, name);
    }
    assert.notEqual(manifest.capabilities["untrustedWorkspaces"]?.supported, true);
  });

  it("has a square icon of the size that the marketplace asks for", () => {
    const icon = Buffer.from(bytes(manifest.icon));
    assert.equal(icon.toString("latin1", 1, 4), "PNG");
    assert.deepEqual([icon.readUInt32BE(16), icon.readUInt32BE(20)], [256, 256]);
  });

  it("has every picture of its README", () => {
    const pictures = text("readme.md").matchAll(/!\[[^\]]*\]\(([^)\s]+)|<img[^>]+src="([^"]+)"/g);
    for (const [, inMarkdown, inHtml] of pictures) {
      const picture = inMarkdown ?? inHtml ?? "";
      if (!picture.startsWith("https:")) bytes(path.posix.normalize(picture));
    }
  });

  it("keeps no path of the machine it was made on", () => {
    for (const name of ["extension.cjs", "server.mjs", "worker.mjs", "tracer/start.cjs"]) {
      assert.ok(!text(`dist/extension/${name}`).includes(root), name);
    }
  });
});

/** The platform that an executable or a library was made for, from the header of its format (ELF, Mach-O, PE). */
function platformOf(binary: Uint8Array): string {
  const head = Buffer.from(binary.buffer, binary.byteOffset, Math.min(binary.byteLength, 4096));
  if (head.readUInt32BE(0) === 0x7f454c46)
    return `linux-${cpu({ 62: "x64", 183: "arm64" }, head.readUInt16LE(18))}`;
  if (head.readUInt32LE(0) === 0xfeedfacf) {
    return `darwin-${cpu({ 16777223: "x64", 16777228: "arm64" }, head.readUInt32LE(4))}`;
  }
  if (head.toString("latin1", 0, 2) === "MZ") {
    return `win32-${cpu({ 34404: "x64", 43620: "arm64" }, head.readUInt16LE(head.readUInt32LE(0x3c) + 4))}`;
  }
  return "unknown";
}

function cpu(names: Readonly<Record<number, string>>, machine: number): string {
  return names[machine] ?? `machine ${machine.toString(16)}`;
}
