// Whether a launch configuration is traced, as the user has said it for this workspace with one click.
import type { TraceSettings } from "./trace-configuration.ts";

export type TraceChoice = TraceSettings["configurations"][string];

/** Where choices are kept: VS Code's state of the workspace. */
export interface ChoiceStore {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const key = "traceChoices";

/** The choices that were made, by the name of the configuration. */
export function choicesIn(store: ChoiceStore): TraceSettings["configurations"] {
  const kept = store.get(key);
  const entries = typeof kept === "object" && kept !== null ? Object.entries(kept) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, TraceChoice] => entry[1] === "always" || entry[1] === "never"),
  );
}

/** Remembers a choice; forgets it when there is none. */
export async function keepChoice(
  store: ChoiceStore,
  name: string,
  choice: TraceChoice | undefined,
): Promise<void> {
  const { [name]: _, ...others } = choicesIn(store);
  await store.update(key, choice === undefined ? others : { ...others, [name]: choice });
}

/** What the settings say, and before them what was chosen. */
export function withChoices(settings: TraceSettings, store: ChoiceStore): TraceSettings {
  return { ...settings, configurations: { ...settings.configurations, ...choicesIn(store) } };
}

/** What a click can say about a session that is, or is not, traced. */
export interface ChoiceOffer {
  readonly label: string;
  readonly detail: string;
  /** What is remembered for the next starts: nothing anew, or that there is no choice any more. */
  readonly keep?: TraceChoice | "none";
  /** The session starts again, traced. */
  readonly restarts: boolean;
}

export function offersFor(
  traced: boolean,
  choice: TraceChoice | undefined,
  byDefault: boolean,
): readonly ChoiceOffer[] {
  const offers: readonly ChoiceOffer[] = [
    {
      label: "Once",
      detail: traced
        ? "This run is traced, the next ones are not."
        : "Starts again now, traced this time only.",
      ...(traced ? { keep: "never" } : {}),
      restarts: !traced,
    },
    {
      label: "Always",
      detail: traced ? "Also the next runs are traced." : "Starts again now, traced, as all next runs are.",
      keep: "always",
      restarts: !traced,
    },
    { label: "Never", detail: "The next runs are not traced.", keep: "never", restarts: false },
  ];
  if (choice === undefined) return offers;
  const said = byDefault ? "traced" : "not traced";
  return [
    ...offers,
    {
      label: "As the settings say",
      detail: `Forgets the choice '${choice}': the next runs are ${said}.`,
      keep: "none",
      restarts: false,
    },
  ];
}
