import type { ProjectNotice } from "./program.ts";

/** What is said of one file, and of how many other files the same holds. */
export interface FoldedNotice<Notice> {
  readonly notice: Notice;
  readonly others: number;
}

/**
 * Notices with the same message as one, in the order of the first of each: a repository with a hundred packages has the
 * same in each configuration. What is about a place in a file stays by itself.
 */
export function foldNotices<Notice extends Pick<ProjectNotice, "file" | "message" | "at">>(
  notices: readonly Notice[],
): readonly FoldedNotice<Notice>[] {
  const folded = new Map<string, { notice: Notice; files: Set<string> }>();
  for (const notice of notices) {
    const { file, message, at } = notice;
    const key = at === undefined ? message : `${file}:${at.line}:${at.column}\n${message}`;
    const known = folded.get(key);
    if (known) known.files.add(file);
    else folded.set(key, { notice, files: new Set([file]) });
  }
  return [...folded.values()].map(({ notice, files }) => ({ notice, others: files.size - 1 }));
}

/** `message (and 93 other files)`. */
export function foldedText({ notice, others }: FoldedNotice<{ readonly message: string }>): string {
  if (others === 0) return notice.message;
  return `${notice.message} (and ${others} other file${others === 1 ? "" : "s"})`;
}
