import { type Expression, type Node, type Property, parse, type SpreadElement } from "acorn";
import type { FilePath } from "../../program/ids.ts";
import { folderOf } from "../../program/paths.ts";
import { createMatcher } from "../globs.ts";
import { type LinterConfig, type LintRule, unknown, type Verdict, verdictOfEntry } from "./verdict.ts";

// eslint.config.js is a program, and programs of a workspace are not run. It is read as far as its text alone says what
// it means: literals, the helpers `defineConfig` and `config`, presets of typescript-eslint by their names, constants
// of the same file. Whatever else could change the rule makes the verdict unknown, until something known comes after.

/** What one element of the configuration does to the rule. */
interface Element {
  /** Undefined: which files it is for can't be known. */
  readonly fits: ((file: FilePath) => boolean) | undefined;
  /** Undefined leaves the rule as it is. */
  readonly verdict: Verdict | undefined;
  /** Its `files` make ESLint look at files that it would pass over: everything but JavaScript. */
  readonly brings: (file: FilePath) => boolean;
  /** Files that are not looked at whatever the others say. */
  readonly ignores?: (file: FilePath) => boolean;
}

/** Reads `eslint.config.*`; the text is never run. */
export function eslintFlatConfig(file: FilePath, text: string): LinterConfig {
  const read = new Map<LintRule, readonly Element[] | undefined>();
  return {
    verdict(of, rule) {
      if (!read.has(rule)) read.set(rule, elementsOf(text, folderOf(file), rule));
      const elements = read.get(rule);
      if (elements === undefined) return unknown.verdict(of, rule);
      if (elements.some(({ ignores }) => ignores?.(of))) return "silent";
      if (!/\.[cm]?js$/.test(of) && !elements.some(({ brings }) => brings(of))) return "silent";
      return elements.reduce<Verdict>((before, { fits, verdict }) => {
        if (verdict === undefined) return before;
        if (fits === undefined) return verdict === before ? before : "unknown";
        return fits(of) ? verdict : before;
      }, "silent");
    },
  };
}

interface Scope {
  readonly folder: FilePath;
  readonly rule: LintRule;
  /** Top-level constants by name. */
  readonly constants: ReadonlyMap<string, Expression>;
  /** Modules by the names they are imported as. */
  readonly imports: ReadonlyMap<string, string>;
  /** Constants that are being followed. */
  readonly open: ReadonlySet<string>;
}

function elementsOf(text: string, folder: FilePath, rule: LintRule): readonly Element[] | undefined {
  let body: readonly Node[];
  try {
    const options = { ecmaVersion: "latest", allowHashBang: true } as const;
    body = parse(text, { ...options, sourceType: "module" }).body;
  } catch {
    return undefined; // TypeScript, or no program at all.
  }
  const constants = new Map<string, Expression>();
  const imports = new Map<string, string>();
  let exported: Expression | undefined;
  for (const statement of body as readonly Statement[]) {
    switch (statement.type) {
      case "ImportDeclaration":
        for (const { local } of statement.specifiers) imports.set(local.name, String(statement.source.value));
        break;
      case "VariableDeclaration":
        for (const { id, init } of statement.declarations) {
          const required = requiredModule(init);
          for (const name of namesIn(id)) {
            if (required !== undefined) imports.set(name, required);
            else if (statement.kind === "const" && init && id.type === "Identifier")
              constants.set(name, init);
          }
        }
        break;
      case "ExportDefaultDeclaration":
        exported = statement.declaration as Expression;
        break;
      case "ExpressionStatement": {
        const { expression } = statement;
        if (expression.type !== "AssignmentExpression") return undefined;
        if (text.slice(expression.left.start, expression.left.end) !== "module.exports") return undefined;
        exported = expression.right;
        break;
      }
      default:
        // A function changes nothing until it is called, and calls are not known; anything else might.
        if (statement.type !== "FunctionDeclaration") return undefined;
    }
  }
  if (exported === undefined) return undefined;
  const scope: Scope = { folder, rule, constants, imports, open: new Set() };
  return listed(exported, scope);
}

type Statement = ReturnType<typeof parse>["body"][number];

function requiredModule(init: Expression | null | undefined): string | undefined {
  if (init?.type !== "CallExpression" || init.callee.type !== "Identifier") return undefined;
  const [argument] = init.arguments;
  return init.callee.name === "require" && argument?.type === "Literal" ? String(argument.value) : undefined;
}

function namesIn(pattern: Node): readonly string[] {
  if (isType(pattern, "Identifier")) return [pattern.name];
  if (!isType(pattern, "ObjectPattern")) return [];
  return pattern.properties.flatMap((property) =>
    property.type === "Property" ? namesIn(property.value) : [],
  );
}

const anything: Element = { fits: undefined, verdict: "unknown", brings: () => false };
const nothing: Element = { fits: () => true, verdict: undefined, brings: () => false };

/** The elements that an expression stands for; nested lists are flat. */
function listed(expression: Expression | SpreadElement | null, scope: Scope): readonly Element[] {
  if (expression === null) return [];
  switch (expression.type) {
    case "SpreadElement":
      return listed(expression.argument, scope);
    case "ParenthesizedExpression":
      return listed(expression.expression, scope);
    case "ArrayExpression":
      return expression.elements.flatMap((one) => listed(one, scope));
    case "Identifier": {
      const constant = followed(expression.name, scope);
      return constant ? listed(constant.value, constant.scope) : [imported(expression.name, [], scope)];
    }
    case "MemberExpression": {
      const path = pathOf(expression);
      return [path === undefined ? anything : imported(path.root, path.names, scope)];
    }
    case "ObjectExpression":
      return literal(expression.properties, scope);
    case "CallExpression": {
      const path = pathOf(expression.callee as Expression);
      const module = path && scope.imports.get(path.root);
      const name = path?.names.at(-1) ?? path?.root;
      if (
        (name === "config" && isTypescriptEslint(module)) ||
        (name === "defineConfig" && module === "eslint/config")
      )
        return expression.arguments.flatMap((one) => listed(one, scope));
      if (name === "globalIgnores" && module === "eslint/config") {
        const [patterns] = expression.arguments;
        const ignored = patterns && stringsIn(patterns as Expression, scope);
        return [ignored ? { ...nothing, ignores: createMatcher(scope.folder, ignored) } : anything];
      }
      // What git ignores is not analysed in the first place.
      return [name === "includeIgnoreFile" && module === "@eslint/compat" ? nothing : anything];
    }
    default:
      return [anything];
  }
}

/** An object of the configuration, with what it extends before it. */
function literal(properties: readonly (Property | SpreadElement)[], scope: Scope): readonly Element[] {
  const fields = fieldsOf(properties);
  if (fields === undefined) return [anything];
  const files = fields.get("files");
  const ignores = fields.get("ignores");
  const included = files && stringsIn(files, scope);
  const ignored = ignores && stringsIn(ignores, scope);
  const isKnown = (files === undefined || included) && (ignores === undefined || ignored);
  const own = [...fields.keys()].filter((name) => name !== "ignores" && name !== "name");
  if (ignored && own.length === 0) return [{ ...nothing, ignores: createMatcher(scope.folder, ignored) }];
  const isIncluded = included ? createMatcher(scope.folder, included, { exact: true }) : () => true;
  const isIgnored = ignored ? createMatcher(scope.folder, ignored) : () => false;
  const fits = (file: FilePath) => isIncluded(file) && !isIgnored(file);
  const brings = included && isKnown ? fits : () => false;
  const below = fields.get("extends");
  const extended = (below === undefined ? [] : listed(below, scope)).map(
    (one): Element => ({
      verdict: one.verdict,
      fits: isKnown && one.fits ? (file) => fits(file) && one.fits?.(file) === true : undefined,
      brings: (file) => isKnown !== undefined && included !== undefined && fits(file) && one.brings(file),
    }),
  );
  const rules = fields.get("rules");
  const verdict = rules === undefined ? undefined : verdictIn(rules, scope);
  return [...extended, { fits: isKnown ? fits : undefined, verdict, brings }];
}

/** What an object of rules says. */
function verdictIn(rules: Expression, scope: Scope): Verdict | undefined {
  if (rules.type === "Identifier") {
    const constant = followed(rules.name, scope);
    return constant ? verdictIn(constant.value, constant.scope) : "unknown";
  }
  if (rules.type === "MemberExpression") {
    const path = pathOf(rules);
    const [last] = path?.names.slice(-1) ?? [];
    if (path === undefined || last !== "rules") return "unknown";
    return imported(path.root, path.names.slice(0, -1), scope).verdict;
  }
  if (rules.type !== "ObjectExpression") return "unknown";
  let verdict: Verdict | undefined;
  for (const property of rules.properties) {
    if (property.type === "SpreadElement") verdict = verdictIn(property.argument, scope) ?? verdict;
    else if (property.computed) verdict = "unknown";
    else if (nameOf(property) === scope.rule.eslint)
      verdict = verdictOfEntry(literalOf(property.value, scope), scope.rule);
  }
  return verdict;
}

/** What something imported is, by its module and path: `tseslint.configs.recommendedTypeChecked`. */
function imported(root: string, names: readonly string[], scope: Scope): Element {
  const module = scope.imports.get(root);
  const isNeutral =
    module !== undefined &&
    /^(?:@eslint\/(?!eslintrc)|eslint-config-prettier(?:\/|$)|(?:@[^/]+\/)?eslint-plugin(?:-|\/|$))/.test(
      module,
    );
  if (isNeutral) return nothing;
  if (!isTypescriptEslint(module) || !names.includes("configs")) return anything;
  // All of its presets but this one set the parser up for TypeScript's files.
  const preset = names.at(-1) ?? "";
  const brings = (file: FilePath) => /\.[cm]?tsx?$/.test(file);
  if (preset === "disableTypeChecked") return { fits: () => true, verdict: "silent", brings: () => false };
  const isOn = /^(?:(?:recommended|strict)TypeChecked(?:Only)?|all)$/.test(preset);
  return { fits: () => true, verdict: isOn ? "reports" : undefined, brings };
}

function isTypescriptEslint(module: string | undefined): boolean {
  return module === "typescript-eslint";
}

/** `a.b.c` as a root and names; undefined for everything computed. */
function pathOf(
  expression: Expression,
): { readonly root: string; readonly names: readonly string[] } | undefined {
  if (expression.type === "Identifier") return { root: expression.name, names: [] };
  if (expression.type !== "MemberExpression" || expression.object.type === "Super") return undefined;
  const of = pathOf(expression.object);
  const { property, computed } = expression;
  const name =
    property.type === "Identifier" && !computed
      ? property.name
      : property.type === "Literal" && typeof property.value === "string"
        ? property.value
        : undefined;
  return of && name !== undefined ? { root: of.root, names: [...of.names, name] } : undefined;
}

function followed(
  name: string,
  scope: Scope,
): { readonly value: Expression; readonly scope: Scope } | undefined {
  const value = scope.constants.get(name);
  if (value === undefined || scope.open.has(name)) return undefined;
  return { value, scope: { ...scope, open: new Set([...scope.open, name]) } };
}

function fieldsOf(
  properties: readonly (Property | SpreadElement)[],
): ReadonlyMap<string, Expression> | undefined {
  const fields = new Map<string, Expression>();
  for (const property of properties) {
    const name = property.type === "Property" ? nameOf(property) : undefined;
    if (property.type !== "Property" || name === undefined) return undefined;
    fields.set(name, property.value);
  }
  return fields;
}

function nameOf({ key, computed }: Property): string | undefined {
  if (key.type === "Identifier" && !computed) return key.name;
  return key.type === "Literal" ? String(key.value) : undefined;
}

function stringsIn(expression: Expression, scope: Scope): readonly string[] | undefined {
  const value = literalOf(expression, scope);
  const list = (Array.isArray(value) ? value.flat() : [value]) as readonly unknown[];
  return list.every((one) => typeof one === "string") ? list : undefined;
}

/** A literal value; a part that is none becomes a symbol, which is like nothing else. */
function literalOf(expression: Expression | SpreadElement | null, scope: Scope): unknown {
  switch (expression?.type) {
    case "Literal":
      return expression.value;
    case "TemplateLiteral":
      return expression.expressions.length === 0 ? expression.quasis[0]?.value.cooked : notLiteral;
    case "ArrayExpression":
      return expression.elements.map((one) => literalOf(one, scope));
    case "ObjectExpression":
      return Object.fromEntries(
        expression.properties.map((property) =>
          property.type === "Property"
            ? [nameOf(property) ?? "", literalOf(property.value, scope)]
            : ["", notLiteral],
        ),
      );
    case "Identifier": {
      const constant = followed(expression.name, scope);
      return constant ? literalOf(constant.value, constant.scope) : notLiteral;
    }
    default:
      return notLiteral;
  }
}

const notLiteral = Symbol("not a literal");

function isType<Type extends string>(
  node: Node,
  type: Type,
): node is Extract<Expression | import("acorn").Pattern, { type: Type }> {
  return node.type === type;
}
