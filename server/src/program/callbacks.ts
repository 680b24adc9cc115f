import { readFileSync } from "node:fs";
import { type CallExpression, type NewExpression, type Node, SyntaxKind } from "typescript/unstable/ast";
import { type Checker, type Signature, SignatureKind, type Type, TypeFlags } from "typescript/unstable/sync";
import type { FilePath } from "./ids.ts";
import type { CallbackAnswer } from "./program.ts";

/** What the answers about callbacks need of those about types. */
export interface CallbackContext {
  isThenable(checker: Checker, type: Type): boolean;
  isLibrary(file: FilePath): boolean;
  /** A path from a handle, as the file system spells it. */
  spelled(file: FilePath): FilePath;
  packageOf(file: FilePath): string | undefined;
}

/** Types that stand in a package of their own, and the package whose versions count. */
const partOf: ReadonlyMap<string, string> = new Map([["express-serve-static-core", "express"]]);

/** Says of a call what the parameters' types do with what a function returns that is given there. */
export function createCallbackAnswers({ isThenable, isLibrary, spelled, packageOf }: CallbackContext) {
  const majors = new Map<string, number | undefined>();

  const installedMajor = (file: FilePath, name: string): number | undefined => {
    const modules = file.slice(0, file.lastIndexOf("/node_modules/") + "/node_modules/".length);
    const manifest = `${modules}${name}/package.json`;
    if (!majors.has(manifest)) majors.set(manifest, majorIn(manifest));
    return majors.get(manifest);
  };

  /** The results that a type which can be called gives; nothing else counts. */
  const resultOf = (checker: Checker, type: Type | undefined): CallbackAnswer["result"] => {
    if (type === undefined) return "unknown";
    const members = type.isUnionType() ? type.getTypes() : [type];
    const returned = members
      .flatMap((member) => checker.getSignaturesOfType(member, SignatureKind.Call))
      .flatMap((signature) => checker.getReturnTypeOfSignature(signature) ?? [])
      .flatMap((result) => (result.isUnionType() ? result.getTypes() : [result]));
    if (returned.some((result) => isThenable(checker, result))) return "awaited";
    const isDropped = returned.every((result) => result.flags & (TypeFlags.Void | TypeFlags.Undefined));
    return isDropped && returned.some((result) => result.flags & TypeFlags.Void) ? "dropped" : "unknown";
  };

  /** Whether a type is made of one of the type parameters: `Promise<T>` of `T`. */
  const mentions = (
    checker: Checker,
    type: Type | undefined,
    parameters: ReadonlySet<number>,
    depth = 0,
  ): boolean => {
    if (type === undefined || depth > 3) return false;
    if (parameters.has(type.id)) return true;
    const parts = type.isUnionType()
      ? type.getTypes()
      : type.isTypeReference()
        ? checker.getTypeArguments(type)
        : [];
    return parts.some((part) => mentions(checker, part, parameters, depth + 1));
  };

  /** What the call gives is what the callback gives, as far as its type parameters say: `<T>(work: () => Promise<T>): Promise<T>`. */
  const isPassedOn = (checker: Checker, generic: Signature | undefined, index: number): boolean => {
    const parameters = new Set(generic?.getTypeParameters().map(({ id }) => id));
    if (generic === undefined || parameters.size === 0) return false;
    if (!mentions(checker, checker.getReturnTypeOfSignature(generic), parameters)) return false;
    const callback = parameterAt(checker, generic, index);
    const members = callback?.isUnionType() ? callback.getTypes() : callback ? [callback] : [];
    return members
      .flatMap((member) => checker.getSignaturesOfType(member, SignatureKind.Call))
      .some((signature) => mentions(checker, checker.getReturnTypeOfSignature(signature), parameters));
  };

  const parameterAt = (checker: Checker, signature: Signature, index: number): Type | undefined => {
    const isThere = index < signature.parameters.length || signature.hasRestParameter;
    return isThere ? checker.getParameterType(signature, index) : undefined;
  };

  const answer = (checker: Checker, call: CallExpression | NewExpression): readonly CallbackAnswer[] => {
    const resolved = checker.getResolvedSignature(call);
    const given = call.arguments ?? [];
    // TypeScript 7 has no parameters for a call with a spread before it.
    if (resolved === undefined || given.some(({ kind }) => kind === SyntaxKind.SpreadElement)) return [];
    const kind = call.kind === SyntaxKind.NewExpression ? SignatureKind.Construct : SignatureKind.Call;
    const callee = checker.getTypeAtLocation(call.expression);
    const overloads = callee === undefined ? [] : checker.getSignaturesOfType(callee, kind);
    const declared = resolved.declaration && spelled(resolved.declaration.path);
    const library = declared !== undefined && isLibrary(declared);
    const owner = declared === undefined || library ? undefined : packageOf(declared);
    const name = owner === undefined ? undefined : (partOf.get(owner) ?? owner);
    const major = declared === undefined || name === undefined ? undefined : installedMajor(declared, name);
    return given.map((_, index) => {
      const own = resultOf(checker, parameterAt(checker, resolved, index));
      // A promise fits the first overload that wants none; the one that was meant for it may come later.
      const isAwaited =
        own === "dropped" &&
        overloads.some((overload) => resultOf(checker, parameterAt(checker, overload, index)) === "awaited");
      return {
        result: isAwaited ? "awaited" : own,
        isPassedOn: isPassedOn(checker, resolved.getTarget(), index),
        library,
        ...(name === undefined ? {} : { package: { name, ...(major === undefined ? {} : { major }) } }),
      };
    });
  };

  return (checker: Checker, nodes: readonly Node[]): readonly (readonly CallbackAnswer[])[] =>
    nodes.map((node) => (isCall(node) ? answer(checker, node) : []));
}

function isCall(node: Node): node is CallExpression | NewExpression {
  return node.kind === SyntaxKind.CallExpression || node.kind === SyntaxKind.NewExpression;
}

function majorIn(manifest: FilePath): number | undefined {
  try {
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version?: unknown };
    const major = typeof version === "string" ? Number.parseInt(version, 10) : Number.NaN;
    return Number.isNaN(major) ? undefined : major;
  } catch {
    return undefined; // Types without the package itself.
  }
}
