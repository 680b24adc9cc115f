/**
 * A sentence with names of the program, for a VS Code message: there `[text](target)` becomes a link, and a `command:`
 * target would run. Line breaks and control characters are already gone (`plain` and `quoted` of dump/).
 */
export function messageText(sentence: string): string {
  return sentence.replaceAll("](", "] (");
}

/** Text with names of the program, for a menu or a quick pick: there `$(name)` becomes an icon. */
export function menuText(text: string): string {
  return text.replaceAll("$(", "$ (");
}
