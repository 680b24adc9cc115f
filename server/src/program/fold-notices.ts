import type { FilePath } from "./ids.ts";
import type { ProjectNotice } from "./program.ts";

/** What is said of one file, and of how many other files the same holds. */
export interface FoldedNotice<Notice> {
  /** Equal for what is the same thing to say. */
  readonly key: string;
  readonly notice: Notice;
  readonly others: number;
}

/**
 * Notices about configurations with the same message as one, in the order of the first of each: a repository with a
 * hundred packages has the same in each. What is about a source, or a place, stays by itself: its file is to be known.
 */
export function foldNotices<Notice extends Pick<ProjectNotice, "file" | "message" | "at">>(
  notices: readonly Notice[],
): readonly FoldedNotice<Notice>[] {
  const folded = new Map<string, { notice: Notice; files: Set<string> }>();
  for (const notice of notices) {
    const { file, message, at } = notice;
    const isShared = at === undefined && isConfiguration(file);
    const key = isShared ? message : `${file}:${at?.line}:${at?.column}\n${message}`;
    const known = folded.get(key);
    if (known) known.files.add(file);
    else folded.set(key, { notice, files: new Set([file]) });
  }
  return [...folded].map(([key, { notice, files }]) => ({ key, notice, others: files.size - 1 }));
}

/** Of what notices are about, only configurations are JSON. */
export function isConfiguration(file: FilePath): boolean {
  return file.endsWith(".json");
}

/** `message (and 93 other files)`. */
export function foldedText({
  notice,
  others,
}: Pick<FoldedNotice<{ readonly message: string }>, "notice" | "others">): string {
  if (others === 0) return notice.message;
  return `${notice.message} (and ${others} other file${others === 1 ? "" : "s"})`;
}
