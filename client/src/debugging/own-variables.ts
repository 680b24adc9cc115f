import { tracedNames } from "@unknot/protocol/traced-names.ts";

/** Whether the debugger reports a variable that the tracer has put into the program: `$unknot`, `$unknotr`, `$unknot_`. */
function isOwn(variable: unknown): boolean {
  const { name } = (variable ?? {}) as { readonly name?: unknown };
  return (
    typeof name === "string" &&
    name.startsWith(tracedNames) &&
    /^\$*[a-z_]*\d*$/.test(name.slice(tracedNames.length))
  );
}

/**
 * Takes the tracer's variables out of a message of the debug adapter to the editor, in place: what the Variables view
 * shows is the program as it was written.
 */
export function hideOwnVariables(message: unknown): void {
  const { type, command, body } = (message ?? {}) as {
    readonly type?: unknown;
    readonly command?: unknown;
    readonly body?: { variables?: unknown };
  };
  if (type !== "response" || command !== "variables" || !Array.isArray(body?.variables)) return;
  body.variables = (body.variables as readonly unknown[]).filter((variable) => !isOwn(variable));
}
