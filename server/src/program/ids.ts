/** An absolute path with forward slashes, spelled as the file system spells it. */
export type FilePath = string;

declare const nodeId: unique symbol;
/**
 * A syntax node of one file: its index in TypeScript's node table. The same text gives the same ids, so facts that
 * carry them can be cached by content; a question about one is only answered for the generation it is asked in.
 */
export type NodeId = number & { readonly [nodeId]: never };

declare const generation: unique symbol;
/** One consistent state of all files and buffers. Grows by one with every commit. */
export type Generation = number & { readonly [generation]: never };
