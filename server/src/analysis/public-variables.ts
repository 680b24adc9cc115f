import type { FilePath } from "../program/ids.ts";
import type { ProgramView } from "./analyzer.ts";
import type { VariableKey } from "./places.ts";
import { type ExportTarget, variableKeyOf } from "./world.ts";

/**
 * Whether code that we do not see may import a variable: a file that no other imports exports it, itself or by
 * re-exporting. Tests import what is public and what is not, so what they import says nothing.
 */
export function publicVariables(view: ProgramView): (variable: VariableKey) => boolean {
  let known: ReadonlySet<VariableKey> | undefined;
  return (variable) => {
    known ??= collect(view);
    return known.has(variable);
  };
}

function collect(view: ProgramView): ReadonlySet<VariableKey> {
  const { world } = view;
  const imported = new Set<FilePath>();
  for (const file of world.files) {
    if (view.roleOf(file) === "test") continue;
    for (const other of world.filesLoadedBy(file)) {
      if (other !== file) imported.add(other);
    }
  }
  const found = new Set<VariableKey>();
  const seen = new Set<FilePath>();
  const open = world.files.filter((file) => !imported.has(file));
  const add = (target: ExportTarget | undefined) => {
    if (target?.kind === "variable") found.add(variableKeyOf(target));
    else if (target?.kind === "module") open.push(target.file);
  };
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const fact of world.facts(file)?.exports ?? []) {
      add(fact.kind === "star" ? world.moduleOf(file, fact.specifier) : world.exportOf(file, fact.name));
    }
  }
  return found;
}
