import { type Identifier, type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  type Checker,
  type Project,
  SignatureKind,
  type Snapshot,
  SymbolFlags,
  type Symbol as TsSymbol,
  type Type,
  TypeFlags,
} from "typescript/unstable/sync";
import { connect, type FileOverlay } from "./connection.ts";
import { findExecutable } from "./executable.ts";
import type { FilePath } from "./ids.ts";
import { keyOf } from "./paths.ts";

/** What TypeScript knows of a value or type that a library exports, asked piece by piece. */
export interface LibraryType {
  /** The class, interface or alias that declares it. */
  readonly name: string | undefined;
  /** `any`, or an error in the library's declarations: nothing can be said. */
  readonly unknown: boolean;
  /** Something that can be called is among its alternatives, or may be. */
  readonly callable: boolean;
  /** What awaiting it gives; undefined when it has no `then`. */
  readonly awaited: LibraryType | undefined;
  /** `[Symbol.asyncIterator]` for the well-known symbols. */
  member(name: string): LibraryType | undefined;
  /** One per overload. */
  readonly calls: readonly LibrarySignature[];
  readonly constructs: readonly LibrarySignature[];
}

export interface LibrarySignature {
  readonly parameters: readonly LibraryType[];
  /** The last parameter takes any number of arguments. */
  readonly rest: boolean;
  readonly returns: LibraryType;
}

/** What a module exports, or what is global. */
export interface LibraryExports {
  /** The file that declares the module; undefined for globals and ambient modules. */
  readonly file?: FilePath;
  /** `["default", "queue"]`: a property of what is exported by default. */
  value(path: readonly string[]): LibraryType | undefined;
  /** An exported class, interface or alias; also one in a namespace that is exported. */
  type(name: string): LibraryType | undefined;
}

export interface Libraries {
  /** Undefined when the module is not installed or has no declarations. */
  module(specifier: string): LibraryExports | undefined;
  readonly globals: LibraryExports;
  close(): void;
}

/**
 * Reads the declarations of modules as a file in `folder` would see them. Throws `TypeScriptUnavailable` when there is
 * no compiler.
 */
export function openLibraries(
  folder: FilePath,
  specifiers: readonly string[],
  options: { readonly executable?: string } = {},
): Libraries {
  const probe = `${folder}/unknot-models-check.ts`;
  const configuration = `${folder}/unknot-models-check.json`;
  const texts = new Map([
    [keyOf(probe), textOf(specifiers)],
    [keyOf(configuration), JSON.stringify({ compilerOptions, files: [probe] })],
  ]);
  const overlay: FileOverlay = {
    readFile: (file) => texts.get(keyOf(file)),
    fileExists: (file) => (texts.has(keyOf(file)) ? true : undefined),
    directoryExists: () => undefined,
    getAccessibleEntries: () => undefined,
  };
  const connection = connect(findExecutable(options.executable), overlay, true);
  try {
    const snapshot: Snapshot = connection.api.updateSnapshot({ openProjects: [configuration] });
    const project = snapshot.getProject(configuration);
    if (project === undefined) throw new Error(`TypeScript did not open '${configuration}'.`);
    return readers(project, probe, specifiers, () => connection.end());
  } catch (error) {
    connection.end();
    throw error;
  }
}

const compilerOptions = {
  target: "esnext",
  lib: ["esnext", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
  module: "preserve",
  // "nodenext" leaves classes empty whose packages re-export without extensions.
  moduleResolution: "bundler",
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: ["*"],
};

/** `everything0` has what the first module exports, `default0` what `import x from` gives. */
function textOf(specifiers: readonly string[]): string {
  const imports = specifiers.map((specifier, index) => {
    const from = JSON.stringify(specifier);
    return `import * as everything${index} from ${from};\nimport default${index} from ${from};\n`;
  });
  return `${imports.join("")}export {};\n`;
}

function readers(
  project: Project,
  probe: FilePath,
  specifiers: readonly string[],
  close: () => void,
): Libraries {
  const { checker } = project;
  const tree = project.program.getSourceFile(probe);
  const names = new Map<string, TsSymbol>();
  tree?.forEachChild((statement) => {
    statement.forEachChild(function visit(node) {
      if (node.kind === SyntaxKind.Identifier) {
        const symbol = checker.getSymbolAtLocation(node);
        if (symbol) names.set(textOfIdentifier(node), symbol);
      }
      node.forEachChild(visit);
    });
  });
  const target = (symbol: TsSymbol | undefined): TsSymbol | undefined => {
    const real = symbol && symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return real && !checker.isUnknownSymbol(real) ? real : undefined;
  };
  return {
    module(specifier) {
      const index = specifiers.indexOf(specifier);
      const everything = target(names.get(`everything${index}`));
      if (everything === undefined) return undefined;
      const byDefault = target(names.get(`default${index}`));
      const file = everything.declarations[0]?.path;
      return {
        ...(file === undefined ? {} : { file }),
        value(path) {
          const [first = "default", ...rest] = path;
          // What is exported by `export =` has its static members as exports, too.
          const exported = checker.getExportsOfModule(everything).find((one) => one.name === first);
          const start = first === "default" ? byDefault : target(exported);
          return follow(checker, start && checker.getTypeOfSymbol(start), rest);
        },
        type(name) {
          const exported = [
            ...checker.getExportsOfModule(everything),
            ...(byDefault ? [byDefault, ...byDefault.getExports().values()] : []),
          ];
          return declared(
            checker,
            exported.map((one) => target(one)),
            name,
          );
        },
      };
    },
    globals: {
      value([first = "", ...rest]) {
        const symbol = checker.resolveName(first, SymbolFlags.Value, tree);
        return follow(checker, symbol && checker.getTypeOfSymbol(symbol), rest);
      },
      type: (name) => declared(checker, [checker.resolveName(name, SymbolFlags.Type, tree)], name),
    },
    close,
  };
}

function declared(
  checker: Checker,
  symbols: readonly (TsSymbol | undefined)[],
  name: string,
): LibraryType | undefined {
  const symbol = symbols.find(
    (one) => one !== undefined && one.flags & SymbolFlags.Type && declaredName(one) === name,
  );
  return symbol && typeReader(checker, checker.getDeclaredTypeOfSymbol(symbol), name);
}

function follow(checker: Checker, start: Type | undefined, path: readonly string[]): LibraryType | undefined {
  let at = start;
  for (const name of path) at = propertyOf(checker, at, name);
  return at && typeReader(checker, at);
}

function propertyOf(checker: Checker, type: Type | undefined, name: string): Type | undefined {
  if (type === undefined) return undefined;
  const wellKnown = /^\[Symbol\.(\w+)\]$/.exec(name)?.[1];
  const apparent = checker.getApparentType(type) ?? type;
  const symbol =
    wellKnown === undefined
      ? checker.getPropertyOfType(apparent, name)
      : checker
          .getPropertiesOfType(apparent)
          .find((one) => new RegExp(`^__@${wellKnown}@\\d+$`).test(one.name));
  return symbol && checker.getTypeOfSymbol(symbol);
}

function typeReader(checker: Checker, type: Type, name = nameOf(type)): LibraryType {
  const real = type.flags & TypeFlags.Instantiable ? (checker.getBaseConstraintOfType(type) ?? type) : type;
  const unknown = real.isErrorType() || (real.flags & (TypeFlags.Any | TypeFlags.Unknown)) !== 0;
  const signatures = (kind: SignatureKind): readonly LibrarySignature[] =>
    membersOf(real).flatMap((member) =>
      checker.getSignaturesOfType(member, kind).map((signature) => ({
        parameters: signature.getParameters().map((_, index) => {
          const parameter = checker.getParameterType(signature, index);
          return typeReader(checker, parameter ?? checker.getAnyType());
        }),
        rest: signature.hasRestParameter,
        get returns() {
          return typeReader(checker, checker.getReturnTypeOfSignature(signature) ?? checker.getAnyType());
        },
      })),
    );
  return {
    name,
    unknown,
    get callable() {
      return (
        unknown ||
        membersOf(real).some(
          (member) =>
            (member.flags & TypeFlags.Instantiable) !== 0 ||
            nameOf(member) === "Function" ||
            checker.getSignaturesOfType(member, SignatureKind.Call).length > 0,
        )
      );
    },
    get awaited() {
      const then = propertyOf(checker, real, "then");
      const [signature] = then ? checker.getSignaturesOfType(then, SignatureKind.Call) : [];
      const handler = signature && checker.getParameterType(signature, 0);
      const [fulfilled] = membersOf(handler ?? checker.getAnyType()).flatMap((member) =>
        checker.getSignaturesOfType(member, SignatureKind.Call),
      );
      const value = fulfilled && checker.getParameterType(fulfilled, 0);
      return value && typeReader(checker, value);
    },
    member: (wanted) => {
      const found = propertyOf(checker, real, wanted);
      return found && typeReader(checker, found);
    },
    get calls() {
      return signatures(SignatureKind.Call);
    },
    get constructs() {
      return signatures(SignatureKind.Construct);
    },
  };
}

function membersOf(type: Type): readonly Type[] {
  return type.isUnionType() ? type.getTypes() : [type];
}

function nameOf(type: Type): string | undefined {
  const symbol = type.getSymbol();
  if (symbol === undefined || !(symbol.flags & (SymbolFlags.Class | SymbolFlags.Interface))) return undefined;
  return declaredName(symbol);
}

/** The name as it is declared, also of what is exported as `default`. */
function declaredName(symbol: TsSymbol): string {
  if (symbol.name !== "default") return symbol.name;
  let name = symbol.name;
  const declaration = (symbol.valueDeclaration ?? symbol.declarations[0])?.resolve();
  declaration?.forEachChild((child) => {
    if (name === "default" && child.kind === SyntaxKind.Identifier) name = textOfIdentifier(child);
  });
  return name;
}

function textOfIdentifier(node: Node): string {
  return (node as Identifier).text;
}

/** What one of several has, the first that has it. */
export function joinExports(all: readonly LibraryExports[]): LibraryExports {
  const first = <Found>(find: (one: LibraryExports) => Found | undefined): Found | undefined => {
    for (const one of all) {
      const found = find(one);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { value: (path) => first((one) => one.value(path)), type: (name) => first((one) => one.type(name)) };
}
