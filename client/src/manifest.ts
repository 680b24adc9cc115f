// What the parts of the extension say in package.json. Each part has a `manifest.ts` that exports `manifest`;
// `npm run generate` merges them into the `contributes` of the root package.json. No editor import here or there.

export interface CommandEntry {
  readonly command: string;
  readonly title: string;
  readonly icon?: string;
  readonly enablement?: string;
}

export interface MenuEntry {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}

export interface KeyEntry {
  readonly command: string;
  readonly key: string;
  readonly mac?: string;
  readonly args?: string;
  readonly when?: string;
}

/**
 * A JSON schema with what VS Code adds to it for settings. Without a default of its own, VS Code would show one that the
 * schema may forbid: 0 where the least is 256.
 */
export type Setting = Readonly<Record<string, unknown>> & {
  readonly markdownDescription: string;
  readonly default: unknown;
};

export interface ManifestPart {
  readonly commands?: readonly CommandEntry[];
  readonly menus?: Readonly<Record<string, readonly MenuEntry[]>>;
  readonly keybindings?: readonly KeyEntry[];
  readonly settings?: Readonly<Record<string, Setting>>;
  /** Other defaults for settings of VS Code itself. */
  readonly settingDefaults?: Readonly<Record<string, unknown>>;
  readonly views?: readonly {
    readonly id: string;
    readonly name: string;
    readonly when?: string;
    readonly contextualTitle?: string;
    /** Which place it has among the panel's views, from 1. */
    readonly place: number;
    /** Stands for the view where there is no room for its name. */
    readonly icon: string;
    readonly visibility?: "visible" | "collapsed" | "hidden";
    /** Its share of the panel, beside the others. */
    readonly initialSize?: number;
  }[];
  /** Schemas of JSON files, by path from the root of the extension. */
  readonly jsonValidation?: readonly { readonly fileMatch: string; readonly url: string }[];
  readonly viewsWelcome?: readonly {
    readonly view: string;
    readonly contents: string;
    readonly when?: string;
  }[];
}
