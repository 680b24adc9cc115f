/** A position in a source file: 1-based line and column, the column in UTF-16 units. */
export interface Place {
  /** An absolute path with forward slashes, or a URL (`node:internal/…`, `https:`) for what is no file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A stretch of one file, `end` exclusive. */
export interface Span extends Place {
  readonly endLine: number;
  readonly endColumn: number;
}

/** `src/orders.ts:41:17`, as terminals and editors link it. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}
