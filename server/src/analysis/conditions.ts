import type { BlockId, FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import {
  beginningAt,
  constantKnown,
  intersect,
  type Known,
  Path,
  tempKey,
  variableKeyText,
} from "./explored-path.ts";
import { usesIn } from "./flow.ts";

// What the conditions on a path say of the values that later ones test.

const conditions = new WeakMap<FunctionFacts, Conditions>();

export function conditionsOf(facts: FunctionFacts): Conditions {
  const known = conditions.get(facts);
  if (known) return known;
  const made = new Conditions(facts);
  conditions.set(facts, made);
  return made;
}

export class Conditions {
  readonly #facts: FunctionFacts;

  constructor(facts: FunctionFacts) {
    this.#facts = facts;
  }

  /** What every path to an instruction agrees on: conditions passed and literals assigned. */
  knownBefore(block: BlockId, position: number): ReadonlyMap<string, Known> {
    const { blocks } = this.#facts;
    const entry = new Map<BlockId, ReadonlyMap<string, Known>>([[0 as BlockId, new Map()]]);
    const meet = (to: BlockId, known: ReadonlyMap<string, Known>): boolean => {
      const before = entry.get(to);
      const shared = before ? new Map([...before].filter(([key, what]) => known.get(key) === what)) : known;
      if (before && shared.size === before.size) return false;
      entry.set(to, shared);
      return true;
    };
    const open: BlockId[] = [0 as BlockId];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const code = blocks[id];
      const known = entry.get(id);
      if (!code || !known) continue;
      const path = new Path(beginningAt(id, known));
      for (const i of code.code) this.learn(path, i);
      const visit = (to: BlockId, after: Path) => {
        if (meet(to, after.known)) open.push(to);
      };
      // An exception may come before any assignment of the block.
      if (code.handler !== undefined)
        visit(code.handler, new Path(beginningAt(id, intersect(known, path.known))));
      if (code.end.kind === "branch") {
        const { end } = code;
        const key = this.keyOf(end.test);
        const [yes, no] = [path.clone(), path.clone()];
        yes.know(key, end.on === "truthy" ? "truthy" : "nullish");
        no.know(key, end.on === "truthy" ? "falsy" : "present");
        visit(end.yes, yes);
        visit(end.no, no);
      } else for (const to of successors(code.end)) visit(to, path);
    }
    const path = new Path(beginningAt(block, entry.get(block) ?? new Map()));
    for (const i of blocks[block]?.code.slice(0, position) ?? []) this.learn(path, i);
    return path.known;
  }

  /** What an instruction says of its target. */
  learn(path: Path, i: Instruction): void {
    // Every turn of a loop asks anew whether there is more.
    if (i.op === "next") path.forget(tempKey(i.done));
    else if (i.op === "store") {
      path.forget(variableKeyText(i.variable));
      path.setKnown(variableKeyText(i.variable), this.knownOf(path, i.from));
    } else if (i.op === "move") path.setKnown(tempKey(i.to), this.knownOf(path, i.from));
  }

  /** What is known of a value: by its literal, or by a condition on this path. */
  knownOf(path: Path, temp: Temp): Known | undefined {
    const definitions = usesIn(this.#facts).definitions(temp);
    const [definition] = definitions;
    if (definitions.length === 1 && definition) {
      if (definition.op === "constant") return constantKnown(definition.constant);
      if (definition.op === "closure" || definition.op === "object" || definition.op === "array")
        return "truthy";
    }
    return path.knownAt(this.keyOf(temp));
  }

  /** A text for what is tested, the same for every test of the same thing. */
  keyOf(temp: Temp, depth = 0): string {
    const definitions = usesIn(this.#facts).definitions(temp);
    const [definition] = definitions;
    if (!definition || definitions.length > 1 || depth > 5) return tempKey(temp);
    switch (definition.op) {
      case "load":
        return variableKeyText(definition.variable);
      case "this":
        return "this";
      case "global":
        return `global ${definition.name}`;
      case "get":
        return `${this.keyOf(definition.object, depth + 1)}.${definition.name}`;
      case "constant":
        return `${definition.constant.type} ${"value" in definition.constant ? String(definition.constant.value) : ""}`;
      case "binary":
        return `(${this.keyOf(definition.left, depth + 1)} ${definition.operator} ${this.keyOf(definition.right, depth + 1)})`;
      case "unary":
        return `(${definition.operator} ${this.keyOf(definition.from, depth + 1)})`;
      default:
        return tempKey(temp);
    }
  }
}
