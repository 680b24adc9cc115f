import type { FilePath } from "./ids.ts";

/**
 * Everything the analysis knows about one file's text: no TypeScript object in it, plain data that can be stored as
 * JSON and depends on nothing but the text and the path's extension.
 */
export interface FileFacts {
  readonly path: FilePath;
}
