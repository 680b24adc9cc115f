/** What the page loads, and from where it may. */
export interface PageSources {
  readonly script: string;
  readonly style: string;
  /** Where styles may come from, as a content security policy says it. */
  readonly styleSource: string;
  readonly nonce: string;
}

/** Nothing is loaded but our own script and style, and nothing of the program is in the HTML. */
export function pageHtml({ script, style, styleSource, nonce }: PageSources): string {
  const policy = `default-src 'none'; style-src ${styleSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Wait-For Graph</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
