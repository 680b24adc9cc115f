import type { FileFacts } from "../program/facts.ts";

/**
 * `holds`: what is taken and given back: locks, permits, clients, slots. `channels`: channels and wait groups. A function
 * tells by the facts of a file, without which nothing can be found there.
 */
export type RuleSubject = "holds" | "channels" | ((facts: FileFacts) => boolean);
