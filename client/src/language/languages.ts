/** The languages that are analyzed. */
export const languages = ["typescript", "typescriptreact", "javascript", "javascriptreact"] as const;

export function isAnalyzed(languageId: string): boolean {
  return (languages as readonly string[]).includes(languageId);
}
