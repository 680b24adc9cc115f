import type { WorkspaceSummary } from "@unknot/protocol/workspace-check.ts";

/** The one line for everything that is not open: `23 more findings in 11 files that are not open`. */
export function summaryText({ complete, files, elsewhere, baselined }: WorkspaceSummary): string {
  if (!complete) return "open files only";
  const { findings } = elsewhere;
  if (findings > 0) {
    const where =
      elsewhere.files === 1 ? "1 file that is not open" : `${elsewhere.files} files that are not open`;
    return `${findings} more ${findings === 1 ? "finding" : "findings"} in ${where}`;
  }
  const known = baselined === 0 ? "" : `, ${baselined} in the baseline`;
  return `nothing more in ${files} ${files === 1 ? "file" : "files"}${known}`;
}
