import { CliError } from "../cli-error.ts";
import { colorsFor, print } from "../terminal.ts";
import { markdownText } from "./markdown-text.ts";
import { rulePage, rules } from "./rule-pages.ts";

/** `unknot explain <rule>` */
export async function explain(rule: string): Promise<void> {
  const id = rule.replace(/^unknot\//, "");
  const page = rulePage(id);
  if (page === undefined)
    throw new CliError(`There is no rule '${id}': the rules are ${rules.map((each) => each.id).join(", ")}.`);
  await print(markdownText(page, colorsFor(process.stdout)));
}
