// What a person has chosen to see, and what each key changes. Pure.

export const views = ["tasks", "waits", "contention"] as const;
export type View = (typeof views)[number];

export const sortKeys = ["count", "wait", "name", "state"] as const;
export type SortKey = (typeof sortKeys)[number];

export interface TopState {
  readonly view: View;
  readonly sort: SortKey;
  readonly reversed: boolean;
  /** As `unknot dump --filter` takes it. */
  readonly filter: string;
  /** What is being typed as a filter. */
  readonly typing?: string;
  /** Index of the chosen row. */
  readonly selected: number;
  /** Whether the details of the chosen row are shown. */
  readonly open: boolean;
  readonly paused: boolean;
  readonly help: boolean;
}

export const firstState: TopState = {
  view: "tasks",
  sort: "count",
  reversed: false,
  filter: "",
  selected: 0,
  open: false,
  paused: false,
  help: false,
};

/** A key as Node's `readline` names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
}

export const helpLines: readonly string[] = [
  "t w c    tasks, who holds them up, contention since the start",
  "up down  choose a row (also k and j, page up and down, home and end)",
  "enter    details of the row: who waits, for what, who holds it",
  "s r      sort by the next column; the other way round",
  "/        filter: state:mutex file:orders.ts wait>10s -kind:job name (escape clears)",
  "p        pause; go on",
  "q        quit",
];

/** The state after a key; undefined to quit. `rows` is how many there are, `page` how many are seen. */
export function afterKey(
  state: TopState,
  key: Key,
  { rows, page }: { readonly rows: number; readonly page: number },
): TopState | undefined {
  if (key.ctrl && key.name === "c") return undefined;
  if (state.typing !== undefined) return afterTyping(state, state.typing, key);
  if (state.help) return { ...state, help: false };
  const move = (by: number) => ({
    ...state,
    selected: Math.max(0, Math.min(rows - 1, state.selected + by)),
  });
  switch (key.name ?? key.sequence) {
    case "q":
      return undefined;
    case "up":
    case "k":
      return move(-1);
    case "down":
    case "j":
      return move(1);
    case "pageup":
      return move(-page);
    case "pagedown":
      return move(page);
    case "home":
      return move(-rows);
    case "end":
      return move(rows);
    case "return":
    case "enter":
    case "space":
      return { ...state, open: !state.open };
    case "escape":
      return { ...state, open: false, filter: state.open ? state.filter : "" };
    case "t":
      return { ...state, view: "tasks", selected: 0 };
    case "w":
      return { ...state, view: "waits", selected: 0 };
    case "c":
      return { ...state, view: "contention", selected: 0 };
    case "s":
      return { ...state, sort: sortKeys[(sortKeys.indexOf(state.sort) + 1) % sortKeys.length] ?? "count" };
    case "r":
      return { ...state, reversed: !state.reversed };
    case "p":
      return { ...state, paused: !state.paused };
    case "/":
      return { ...state, typing: state.filter };
    case "h":
    case "?":
      return { ...state, help: true };
    default:
      return state;
  }
}

function afterTyping(state: TopState, typed: string, key: Key): TopState {
  const { typing: _, ...rest } = state;
  switch (key.name) {
    case "return":
    case "enter":
      return { ...rest, filter: typed.trim(), selected: 0 };
    case "escape":
      return rest;
    case "backspace":
      return { ...state, typing: [...typed].slice(0, -1).join("") };
    default: {
      if (key.ctrl && key.name === "u") return { ...state, typing: "" };
      const { sequence = "" } = key;
      // What is pasted comes in one piece; keys that are no text begin with a control character.
      return key.ctrl || key.meta || !/^[^\p{Cc}]+$/u.test(sequence)
        ? state
        : { ...state, typing: typed + sequence };
    }
  }
}
