import type { Node } from "oxc-parser";
import { unwrap } from "./syntax.ts";

/** The name of a property key or variable, as a reader writes it; undefined for computed and destructured ones. */
export function keyName(key: Node, computed = false): string | undefined {
  switch (key.type) {
    case "Identifier":
      return computed ? undefined : key.name;
    case "PrivateIdentifier":
      return `#${key.name}`;
    case "Literal":
      return typeof key.value === "string" || typeof key.value === "number" ? String(key.value) : undefined;
    case "MemberExpression": {
      // `[Symbol.asyncIterator]`
      const property = computed && key.object.type === "Identifier" ? keyName(key.property) : undefined;
      return property === undefined || key.object.type !== "Identifier"
        ? undefined
        : `[${key.object.name}.${property}]`;
    }
    default:
      return undefined;
  }
}

/** What an assignment gives a name to: `x`, `this.x`, `exports.x`; `className` stands for `this`. */
export function targetName(target: Node, className: string | undefined): string | undefined {
  const node = unwrap(target);
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression") return undefined;
  const property = keyName(node.property, node.computed);
  if (property === undefined) return undefined;
  const owner = unwrap(node.object);
  if (owner.type === "ThisExpression" && className !== undefined) return member(className, property);
  if (owner.type === "Identifier" && owner.name !== "exports" && owner.name !== "module") {
    return member(owner.name, property);
  }
  if (owner.type === "MemberExpression" && keyName(owner.property, owner.computed) === "prototype") {
    const holder = unwrap(owner.object);
    return holder.type === "Identifier" ? member(holder.name, property) : property;
  }
  return property;
}

/** `Class.method`, `Class[Symbol.asyncIterator]`. */
export function member(owner: string | undefined, property: string): string {
  if (owner === undefined) return property;
  return property.startsWith("[") ? `${owner}${property}` : `${owner}.${property}`;
}
