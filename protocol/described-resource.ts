import type { Place, Span } from "./place.ts";

/**
 * A request to the language server: what it knows of the locks, channels, queues and pools that a document makes or
 * uses. docs/protocol.md describes it.
 */
export const resourcesRequest = "unknot/resources";

export interface ResourcesParams {
  readonly textDocument: { readonly uri: string };
}

/** What is done to a resource, in the order in which people ask for it. */
export const useRoles = [
  "acquire",
  "release",
  "send",
  "receive",
  "close",
  "submit",
  "use",
  "add",
  "done",
  "wait",
] as const;

export type UseRole = (typeof useRoles)[number];

/** One place where something is done to a resource. */
export interface DescribedUse {
  readonly role: UseRole;
  /** The callee as written: `ledger.runExclusive`. */
  readonly at: Span;
  /** The function around it; absent at the top of a module. */
  readonly function?: string;
}

/** Another lock that is taken before or after this one, and where the second of the two is. */
export interface OrderedResource {
  readonly name: string;
  readonly at: Span;
}

/** A lock, channel, queue or pool of the source, known by where it is made. */
export interface DescribedResource {
  readonly kind: "mutex" | "rwlock" | "semaphore" | "channel" | "queue" | "pool" | "waitgroup";
  /** The variable or field: `ledger`, `this.lock`. */
  readonly name: string;
  /** The library's type: `async-mutex.Mutex`. */
  readonly type: string;
  /** Where it is made, with the variable's name if that stands before it. */
  readonly created: Span;
  /** The call that makes it, inside a function that is called to make one: what a traced program reports. */
  readonly made: Place;
  readonly capacity?: number;
  /** By file and place. */
  readonly uses: readonly DescribedUse[];
  /** Locks that are held somewhere while this one is acquired. */
  readonly after: readonly OrderedResource[];
  /** Locks that are acquired somewhere while this one is held. */
  readonly before: readonly OrderedResource[];
  /** It leaves what the analysis sees: code elsewhere may use it, too. */
  readonly shared: boolean;
}
