// How much room text takes on a terminal.
import { unprintable } from "@unknot/dump/names.ts";

/** Two columns each: East Asian wide characters (Unicode UAX 11) and pictures. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** None of their own. */
const nothing = /^[\p{Mark}\p{Format}]/u;
const segments = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns that a line takes; control characters must be gone. */
export function widthOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) width += segmentWidth(segment);
  return width;
}

/** The beginning of a line that fits, with an ellipsis when something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let room = width - 1;
  for (const { segment } of segments.segment(text)) {
    room -= segmentWidth(segment);
    if (room < 0) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** Text in which nothing ends the line, moves the cursor or turns the direction: such characters are shown. */
export function inOneLine(text: string): string {
  return text.replace(unprintable, (character) =>
    [...character].map((part) => `\\u${part.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

export function padded(text: string, width: number, right = false): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}

function segmentWidth(segment: string): number {
  if (nothing.test(segment)) return 0;
  return wide.test(segment) ? 2 : 1;
}
