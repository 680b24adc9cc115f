import type { ResourceType } from "@unknot/models/probe.ts";
import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { FileSites } from "./site-registry.ts";

/** What the tables refer to by number and what the coverage line says; the same on both sides of the shared memory. */
export interface Facts {
  readonly files: FileSites[];
  readonly types: { readonly kind: ResourceKind; readonly name: string }[];
  readonly instrumented: Set<string>;
  readonly untouched: { readonly file: string; readonly reason: string }[];
  /** The worker threads that the program has started. */
  readonly threads: Set<number>;
  /** What a worker thread runs, once that is known. */
  title?: string;
}

/** One of them, as the traced thread tells it. */
export type Fact =
  | { readonly kind: "file"; readonly file: FileSites }
  | { readonly kind: "type"; readonly index: number; readonly type: Omit<ResourceType, "capacity"> }
  | { readonly kind: "instrumented"; readonly name: string }
  | { readonly kind: "untouched"; readonly file: string; readonly reason: string }
  | { readonly kind: "thread"; readonly id: number }
  | { readonly kind: "title"; readonly title: string };

export function createFacts(): Facts {
  return { files: [], types: [], instrumented: new Set(), untouched: [], threads: new Set() };
}

const mostUntouched = 1000;

export function addFact(facts: Facts, fact: Fact): void {
  switch (fact.kind) {
    case "file":
      facts.files.push(fact.file);
      break;
    case "type":
      facts.types[fact.index] = fact.type;
      break;
    case "instrumented":
      facts.instrumented.add(fact.name);
      break;
    case "untouched":
      if (facts.untouched.length < mostUntouched)
        facts.untouched.push({ file: fact.file, reason: fact.reason });
      break;
    case "thread":
      facts.threads.add(fact.id);
      break;
    case "title":
      facts.title = fact.title;
      break;
  }
}
