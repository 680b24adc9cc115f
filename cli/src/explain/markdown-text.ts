import type { Colors } from "../terminal.ts";

/** A page for a terminal: headings and code stand out, everything else stays as it was written. */
export function markdownText(markdown: string, colors: Colors): string {
  let code = false;
  const lines = markdown.split(/\r?\n/).flatMap((line) => {
    if (/^```/.test(line)) {
      code = !code;
      return [];
    }
    if (code) return `    ${colors.cyan(line)}`.trimEnd();
    const heading = /^#+ (.*)$/.exec(line);
    if (heading !== null) return colors.bold(inline(heading[1] ?? ""));
    return inline(line);
  });
  return `${lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;

  function inline(line: string): string {
    return line
      .replace(/`([^`]+)`/g, (_, text: string) => colors.cyan(text))
      .replace(/\*\*([^*]+)\*\*/g, (_, text: string) => colors.bold(text))
      .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, text: string, link: string) => `${text} (${link})`);
  }
}
