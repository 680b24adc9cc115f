import { type ParseErrorCode, printParseErrorCode } from "jsonc-parser";

/** What a parser of JSON stumbled over: `CommaExpected` becomes "comma expected". */
export function jsonErrorInWords(error: ParseErrorCode): string {
  const code = printParseErrorCode(error);
  if (code === "InvalidSymbol") return "a word or sign that JSON does not have";
  return code.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}
