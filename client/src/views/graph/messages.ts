import type { Place } from "@unknot/protocol/place.ts";
import type { StackTree } from "@unknot/protocol/stacks.ts";

/** A task, a resource, or tasks that are too many to be drawn. All texts are the program's: plain text only. */
export interface Vertex {
  readonly id: string;
  readonly kind: "task" | "resource" | "more";
  readonly title: string;
  readonly detail: string;
  /** What a screen reader says. */
  readonly spoken: string;
  /** Label of the deadlock that it is part of. */
  readonly deadlock?: string;
  readonly place?: Place;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly word: "waits for" | "held by";
}

/** A sentence of the text twin. */
export interface Sentence {
  readonly text: string;
  readonly place?: Place;
}

export interface Picture {
  readonly vertices: readonly Vertex[];
  readonly edges: readonly Edge[];
  /** The same in words. */
  readonly sentences: readonly Sentence[];
  /** What is not drawn, in a sentence each. */
  readonly leftOut: readonly string[];
}

/** The parts of the page. */
export type Tab = "graph" | "stacks";

/** A process that the page can show. */
export interface Subject {
  readonly session: string;
  readonly title: string;
  /** When it was looked at, in words. */
  readonly asOf: string;
  readonly tasks: number;
  readonly picture: Picture;
  /** Only of the subject that is shown, and only when the stacks are. */
  readonly stacks?: StackTree;
}

/** What the page is told. */
export interface ToPage {
  readonly kind: "show";
  readonly tab: Tab;
  readonly subjects: readonly Subject[];
  readonly chosen: string | undefined;
  readonly filter: string;
}

/** What the page says. A place is one of those that it was told of. */
export type FromPage =
  | { readonly kind: "ready" }
  | { readonly kind: "tab"; readonly tab: Tab }
  | { readonly kind: "choose"; readonly session: string }
  | { readonly kind: "open"; readonly file: string; readonly line: number; readonly column: number };

/** A message of the page; undefined for what is none. */
export function readMessage(value: unknown): FromPage | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
  const message = value as Readonly<Record<string, unknown>>;
  switch (message["kind"]) {
    case "ready":
      return { kind: "ready" };
    case "tab": {
      const { tab } = message;
      return tab === "graph" || tab === "stacks" ? { kind: "tab", tab } : undefined;
    }
    case "choose": {
      const { session } = message;
      return typeof session === "string" ? { kind: "choose", session } : undefined;
    }
    case "open": {
      const { file, line, column } = message;
      return typeof file === "string" && typeof line === "number" && typeof column === "number"
        ? { kind: "open", file, line, column }
        : undefined;
    }
    default:
      return undefined;
  }
}
