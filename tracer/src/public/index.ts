// `import { label } from "unknot"`: what a program may tell the tracer. Untraced, all of it does nothing.
import { tracerHere } from "./tracer-here.ts";

export function label(labels: Readonly<Record<string, string>>): void {
  tracerHere()?.label(labels);
}
