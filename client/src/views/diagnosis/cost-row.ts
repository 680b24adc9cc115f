import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** What it costs the program to be traced; nothing when nobody knows. */
export function costRow({ session }: Scene): Row | undefined {
  const { cost } = session;
  if (cost === undefined) return undefined;
  const description = `${percent(cost.thread)} of the program's thread, ${percent(cost.beside)} of a core beside it`;
  return {
    id: `${session.id} cost`,
    kind: "section",
    label: "Cost of tracing",
    description,
    icon: icons.cost,
    spoken: `cost of tracing: ${description}`,
    tooltip: () =>
      "The thread's part is estimated from how many tasks and operations there were; what the tracer's own thread works, for this panel too, is measured.",
    session: session.id,
  };
}

function percent(share: number): string {
  if (share < 0.001) return "less than 0.1 %";
  return `about ${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
