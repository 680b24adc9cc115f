// What is generated for the extension: `contributes` and `activationEvents` of the root package.json, from the
// `manifest.ts` files of client/, and the index of its views.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { languages } from "@unknot/client/language/languages.ts";
import type { ManifestPart } from "@unknot/client/manifest.ts";

/** A file that is generated, by its path from the root, and what has to stand in it. */
export interface GeneratedFile {
  readonly file: string;
  readonly text: string;
}

/** A rule as the settings show it. */
export interface RuleEntry {
  readonly id: string;
  readonly title: string;
  /** What it has unless the setting says otherwise. */
  readonly severity: string;
}

const severities = ["error", "warning", "information", "hint", "off"] as const;

/** Node programs can be debugged without a TypeScript or JavaScript file being open. */
const debugTypes = ["node", "pwa-node", "node-terminal"] as const;

export async function extensionManifest(
  root: string,
  rules: readonly RuleEntry[],
): Promise<readonly GeneratedFile[]> {
  const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Record<
    string,
    unknown
  >;
  const parts = await Promise.all(
    globSync("client/src/**/manifest.ts", { cwd: root })
      .filter((file) => file !== path.join("client", "src", "manifest.ts"))
      .sort()
      .map(async (file) => {
        const module = (await import(pathToFileURL(path.join(root, file)).href)) as {
          manifest: ManifestPart;
        };
        return module.manifest;
      }),
  );
  const next = {
    ...manifest,
    activationEvents: [
      ...languages.map((language) => `onLanguage:${language}`),
      ...debugTypes.map((type) => `onDebugResolve:${type}`),
    ],
    contributes: contributes(root, parts, rules),
  };
  return [
    { file: "package.json", text: `${JSON.stringify(next, null, 2)}\n` },
    { file: "client/src/views/index.ts", text: viewIndex(root) },
  ];
}

function contributes(root: string, parts: readonly ManifestPart[], rules: readonly RuleEntry[]): object {
  const views = parts
    .flatMap((part) => part.views ?? [])
    .sort((one, other) => one.place - other.place)
    .map(({ place: _, ...view }) => view);
  const menus = new Map<string, unknown[]>();
  for (const part of parts) {
    for (const [menu, entries] of Object.entries(part.menus ?? {})) {
      menus.set(menu, [...(menus.get(menu) ?? []), ...entries]);
    }
  }
  return {
    commands: parts.flatMap((part) => part.commands ?? []).map((entry) => ({ category: "Unknot", ...entry })),
    menus: Object.fromEntries(menus),
    keybindings: parts.flatMap((part) => part.keybindings ?? []),
    viewsContainers: { panel: [{ id: "unknot", title: "Unknot", icon: "media/view.svg" }] },
    views: { unknot: views },
    viewsWelcome: parts.flatMap((part) => part.viewsWelcome ?? []),
    configuration: {
      title: "Unknot",
      properties: {
        ...Object.assign({}, ...parts.map((part) => part.settings ?? {})),
        ...ruleSetting(rules),
      },
    },
    configurationDefaults: Object.assign({}, ...parts.map((part) => part.settingDefaults ?? {})),
    jsonValidation: parts.flatMap((part) => part.jsonValidation ?? []),
    languages: [
      // It may have comments, which VS Code's plain JSON marks as mistakes.
      { id: "jsonc", filenames: ["unknot.config.json"] },
      {
        id: "taskdump",
        aliases: ["Task Dump"],
        extensions: [".taskdump"],
        firstLine: "^taskdump \\d+ ",
        configuration: "./syntaxes/taskdump.language-configuration.json",
        icon: { light: "./media/taskdump-light.svg", dark: "./media/taskdump-dark.svg" },
      },
    ],
    grammars: grammars(root),
  };
}

/** Every grammar of syntaxes/: an injection goes into the languages that are analyzed, others are named for theirs. */
function grammars(root: string): readonly object[] {
  return globSync("syntaxes/*.tmLanguage.json", { cwd: root })
    .sort()
    .map((file) => {
      const { scopeName, injectionSelector } = JSON.parse(
        readFileSync(path.join(root, file), "utf8"),
      ) as Grammar;
      const target =
        injectionSelector === undefined
          ? { language: path.basename(file, ".tmLanguage.json") }
          : { injectTo: ["source.ts", "source.tsx", "source.js", "source.js.jsx"] };
      return { scopeName, path: `./${file.replaceAll("\\", "/")}`, ...target };
    });
}

interface Grammar {
  readonly scopeName: string;
  readonly injectionSelector?: string;
}

function ruleSetting(rules: readonly RuleEntry[]): object {
  return {
    "unknot.rules": {
      type: "object",
      default: {},
      scope: "resource",
      markdownDescription:
        "How severe each rule's findings are; `off` turns a rule off. Rules that are not named keep their own severity.",
      properties: Object.fromEntries(
        rules.map(({ id, title, severity }) => [
          id,
          { type: "string", enum: [...severities], description: `${title}. By default: ${severity}.` },
        ]),
      ),
      additionalProperties: false,
    },
  };
}

function viewIndex(root: string): string {
  const ids = globSync("client/src/views/*/view.ts", { cwd: root })
    .map((file) => path.basename(path.dirname(file)))
    .sort();
  const name = (id: string) => id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return [
    "// Generated by `npm run generate`: every folder of views that has a view.ts.",
    ...ids.map((id) => `import { register as ${name(id)} } from "./${id}/view.ts";`),
    "",
    `export const views = [${ids.map(name).join(", ")}];`,
    "",
  ].join("\n");
}
