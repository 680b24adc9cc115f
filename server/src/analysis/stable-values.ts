import type { ProgramView } from "./analyzer.ts";
import type { Value } from "./values.ts";

/** Whether a name means the same resource each time that it is read. */
export function isStable(view: ProgramView, value: Value): boolean {
  switch (value.kind) {
    case "fresh":
      return value.made.type === "resource" || value.made.type === "result" || value.made.type === "instance";
    case "variable": {
      const fact = view.world.variable(value.variable);
      return fact !== undefined && fact.assignments === 0;
    }
    case "parameter":
    case "receiver":
    case "global":
    // A function that a model describes as a resource.
    case "external":
      return true;
    case "typed":
      return isStable(view, value.of);
    case "member": {
      if (!isStable(view, value.of) && value.of.kind !== "class") return false;
      const { semantics } = view.solution;
      const owner = value.of.kind === "class" ? value.of : semantics.typeOf(value.of);
      // The lock of one key.
      if (owner?.kind === "model") return owner.model.keyed;
      if (owner?.kind === "class") {
        const content = view.solution.field(owner.class, value.name, value.of.kind === "class");
        // Assigned more than once: the field may hold another lock by now.
        return content.kind !== "union" || content.of.filter((part) => part.kind === "fresh").length <= 1;
      }
      if (owner?.kind === "interface") {
        return view.world.typeMember(owner.file, owner.type, value.name)?.member.kind === "property";
      }
      return false;
    }
    default:
      return false;
  }
}
