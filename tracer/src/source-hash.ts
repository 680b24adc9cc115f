import { createHash } from "node:crypto";

/** What a source file's text is known by: the beginning of its SHA-256, whatever its line ends and byte order mark. */
export function sourceHash(text: string): string {
  const plain = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  return createHash("sha256").update(plain).digest("hex").slice(0, 16);
}
