import { parseFilter } from "@unknot/dump/filter.ts";
import type { TaskQuery } from "@unknot/protocol/task-list.ts";
import * as vscode from "vscode";
import { menuText } from "../../program-text.ts";
import { byLabel, filterHelp, groupingChoices, labelOf, orderChoices } from "./query-words.ts";

/** Lets the user write a filter, with what it may say below; undefined when they leave it as it is. */
export function editFilter(current: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const input = vscode.window.createQuickPick<vscode.QuickPickItem & { readonly example?: string }>();
    input.title = "Filter Tasks";
    input.placeholder = "Words and conditions, all of which must hold; nothing shows every task";
    input.value = current;
    const show = () => {
      const parsed = parseFilter(input.value);
      const apply = {
        label: input.value.trim() === "" ? "Show every task" : `Filter: ${menuText(input.value)}`,
        alwaysShow: true,
        iconPath: new vscode.ThemeIcon(parsed.ok ? "filter" : "error"),
        ...(parsed.ok ? {} : { description: parsed.message }),
      };
      input.items = [
        apply,
        { label: "add a condition", kind: vscode.QuickPickItemKind.Separator },
        ...filterHelp.map(({ example, says }) => ({
          label: example,
          description: says,
          alwaysShow: true,
          example,
        })),
      ];
      input.activeItems = [apply];
    };
    let accepted: string | undefined;
    input.onDidChangeValue(show);
    input.onDidAccept(() => {
      const [{ example } = {}] = input.activeItems as readonly { readonly example?: string }[];
      if (example !== undefined) {
        input.value = [input.value.trim(), example].filter(Boolean).join(" ");
        show();
        return;
      }
      if (!parseFilter(input.value).ok) return;
      accepted = input.value;
      input.hide();
    });
    input.onDidHide(() => {
      input.dispose();
      resolve(accepted);
    });
    show();
    input.show();
  });
}

export async function chooseGrouping(current: TaskQuery["by"]): Promise<TaskQuery["by"] | undefined> {
  const label = "a label…";
  const picked = await vscode.window.showQuickPick(
    [
      ...groupingChoices.map(({ value, name, detail }) => ({
        label: name,
        detail,
        value,
        ...(value === current ? { description: "now" } : {}),
      })),
      { label, detail: "A key that the program gave with label()", value: undefined },
    ],
    { title: "Group Tasks By", placeHolder: "What tasks of one group have in common" },
  );
  if (picked === undefined || picked.value !== undefined) return picked?.value;
  const key = await vscode.window.showInputBox({
    title: "Group Tasks By Label",
    prompt: "The label's key, for example tenant",
    value: labelOf(current) ?? "",
  });
  return key === undefined || key.trim() === "" ? undefined : byLabel(key.trim());
}

export async function chooseOrder(
  current: TaskQuery,
): Promise<Required<Pick<TaskQuery, "order" | "reverse">> | undefined> {
  const picked = await vscode.window.showQuickPick(
    orderChoices.map(({ value, name, detail }) => ({
      label: name,
      detail,
      value,
      ...(value === current.order
        ? { description: current.reverse ? "now, reversed" : "now; again to reverse" }
        : {}),
    })),
    { title: "Sort Tasks By" },
  );
  if (picked === undefined) return undefined;
  const again = picked.value === current.order;
  return { order: picked.value, reverse: again && current.reverse !== true };
}
