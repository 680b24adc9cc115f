import type { TracerApi } from "../api.ts";
import { hooksName } from "../hooks-name.ts";

/** The tracer of this thread; undefined when the program runs untraced. */
export function tracerHere(): TracerApi | undefined {
  return (globalThis as { [hooksName]?: { readonly api?: TracerApi } })[hooksName]?.api;
}
