/**
 * Encloses every insertion of the transform: white space to JavaScript, and in no source that is transformed. What
 * stands between the first and the second, the third and the fourth, … is the tracer's.
 */
export const insertionMark = "\v";

/** The text of a program or of a part of it without the tracer's insertions. */
export function withoutInsertions(text: string): string {
  return text
    .split(insertionMark)
    .filter((_, index) => index % 2 === 0)
    .join("");
}
