// From rows to lines of a terminal, cut to its size. Pure.
import { count, formatDuration } from "@unknot/dump/names.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import { shown } from "../paths.ts";
import type { Colors } from "../terminal.ts";
import { type Row, type Rows, rowsOf, type Traced, threadName } from "./rows.ts";
import { helpLines, type TopState } from "./state.ts";
import { cut, inOneLine, padded, widthOf } from "./width.ts";

export interface ScreenOptions {
  /** Columns and lines; without lines everything is written, as into a file. */
  readonly width: number;
  readonly height?: number;
  readonly colors: Colors;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Seconds between two looks; absent when this is the only one. */
  readonly everySeconds?: number;
}

export interface Screen {
  readonly lines: readonly string[];
  /** Rows of the view, and how many of them are seen. */
  readonly rows: number;
  readonly page: number;
}

/** Everything that is seen: processes, problems, the rows of a view. No line is wider, and there are not more, than fit. */
export function screenOf(traced: readonly Traced[], state: TopState, options: ScreenOptions): Screen {
  const { width, height = Number.POSITIVE_INFINITY, colors } = options;
  const live = options.everySeconds !== undefined;
  const found = rowsOf(traced, state);
  const selected = Math.min(state.selected, found.rows.length - 1);
  const fit = (text: string) => cut(inOneLine(text), width);

  const head = [colors.bold(fit(title(traced, state, options)))];
  const processes = processLines(traced, options);
  const problems = problemLines(traced).map((line) => colors.red(fit(line)));
  // The rows get at least half of the screen.
  const most = Number.isFinite(height) ? Math.max(2, Math.floor(height / 4)) : height;
  head.push(...shortened(processes, most + 1, width), ...shortened(problems, most, width));

  const foot = live
    ? [colors.dim(fit(footer(state, found)))]
    : found.mistake === undefined
      ? []
      : [fit(found.mistake)];
  if (state.help) {
    const lines = [...head, "", ...helpLines.map(fit)];
    return { lines: [...lines.slice(0, height - foot.length), ...foot], rows: found.rows.length, page: 0 };
  }
  const room = height - head.length - foot.length - 2;
  const details = live && state.open ? (found.rows[selected]?.details ?? []) : [];
  const shownDetails = details.slice(0, Math.max(0, Math.min(details.length, Math.floor(room / 2))));
  const page = Math.max(1, room - shownDetails.length);
  const from = Math.max(0, Math.min(selected - Math.floor(page / 2), found.rows.length - page));
  const seen = Number.isFinite(page) ? found.rows.slice(from, from + page) : found.rows;
  const [titles = "", ...table] = tableLines(found, seen, width);
  const body = table.flatMap((line, index) => {
    const isSelected = live && from + index === selected;
    const row = seen[index];
    const text = isSelected ? colors.inverse(padded(line, width)) : row?.grave ? colors.red(line) : line;
    return isSelected ? [text, ...shownDetails.map((each) => colors.dim(fit(`      ${each}`)))] : [text];
  });
  if (body.length === 0) body.push(colors.dim(fit(emptyText(traced, state))));
  const lines = [...head, "", colors.bold(titles), ...body];
  return { lines: [...lines.slice(0, height - foot.length), ...foot], rows: found.rows.length, page };
}

function title(
  traced: readonly Traced[],
  { paused }: TopState,
  { now, everySeconds }: ScreenOptions,
): string {
  const tasks = traced.reduce((sum, { overview }) => sum + (overview?.total ?? 0), 0);
  const problems = traced.reduce((sum, { overview }) => sum + (overview?.problems.length ?? 0), 0);
  const time = new Date(now).toISOString().slice(11, 19);
  const rhythm = everySeconds === undefined ? "" : paused ? ", paused" : `, every ${everySeconds} s`;
  return `unknot top  ${time} UTC${rhythm}  ${count(traced.length, "thread")}, ${count(tasks, "task")}, ${count(problems, "problem")}`;
}

function processLines(traced: readonly Traced[], { width, now, colors }: ScreenOptions): readonly string[] {
  const rows = traced.map(({ registration, overview, trouble }): Row => {
    const loop = overview?.loop;
    const state =
      loop === undefined
        ? "?"
        : loop.state === "blocked"
          ? `blocked ${formatDuration(loop.sinceMs)}`
          : loop.state;
    return {
      key: threadName(registration),
      grave: loop?.state === "blocked" && loop.sinceMs >= blockedMs,
      cells: [
        threadName(registration),
        formatDuration(Math.max(0, now - registration.startedAt)),
        state,
        loop?.lag === undefined ? "" : formatDuration(loop.lag.p99Ms),
        loop?.lag === undefined ? "" : formatDuration(loop.lag.maxMs),
        overview === undefined ? "" : String(overview.total),
        overview === undefined ? "" : String(overview.problems.length),
        trouble ?? shown(registration.title, registration.cwd),
      ],
      details: [],
    };
  });
  if (rows.length === 0) return [];
  const titles = ["PID", "UP", "LOOP", "LAG P99", "MAX", "TASKS", "PROBLEMS", "PROGRAM"];
  const [first = "", ...lines] = tableLines({ titles, right: [0, 1, 3, 4, 5, 6], rows }, rows, width);
  return [colors.bold(first), ...lines.map((line, index) => (rows[index]?.grave ? colors.red(line) : line))];
}

function problemLines(traced: readonly Traced[]): readonly string[] {
  return traced.flatMap(({ registration, overview }) =>
    (overview?.problems ?? [])
      .filter(isSure)
      .map(
        ({ id, label, message }) =>
          `${threadName(registration)} ${label === undefined ? "" : `${label} `}${id}: ${message}`,
      ),
  );
}

function shortened(lines: readonly string[], most: number, width: number): readonly string[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`… ${lines.length - most + 1} more`, width)];
}

function footer({ typing, filter, view, sort, reversed }: TopState, { mistake, rows }: Rows): string {
  if (typing !== undefined) return `filter: ${typing}_`;
  if (mistake !== undefined) return mistake;
  const order = view === "tasks" ? `  by ${sort}${reversed ? ", reversed" : ""}` : "";
  const filtered = filter === "" || view !== "tasks" ? "" : `  filter ${filter}`;
  return `${view} ${rows.length}${order}${filtered}  [t]asks [w]aits [c]ontention [s]ort [/]filter [enter] details [p]ause [h]elp [q]uit`;
}

function emptyText(traced: readonly Traced[], { view, filter }: TopState): string {
  if (traced.length === 0) return "No process is traced: start one with 'unknot run -- program.ts'.";
  if (view === "tasks") return filter === "" ? "No task is waiting." : "No task is as the filter wants it.";
  return view === "waits" ? "Nothing holds up several tasks." : "Nobody has waited so far.";
}

/** A loop that stands for less than this is busy, no more. */
const blockedMs = 1000;
/** No column but the last is wider than this part of the line, and than so much. */
const widestPart = 4;
const widestColumn = 28;
const gap = "  ";

/** The titles and some rows as lines; the last column takes what is left. */
function tableLines({ titles, right }: Rows, rows: readonly Row[], width: number): readonly string[] {
  const last = titles.length - 1;
  const table = [titles, ...rows.map(({ cells }) => cells.map(inOneLine))];
  const widths = titles.map((_, column) =>
    Math.min(
      Math.max(12, Math.min(widestColumn, Math.floor(width / widestPart))),
      table.reduce((most, cells) => Math.max(most, widthOf(cells[column] ?? "")), 0),
    ),
  );
  return table.map((cells) => {
    const line = cells.map((cell, column) =>
      column === last
        ? cell
        : padded(cut(cell, widths[column] ?? 0), widths[column] ?? 0, right.includes(column)),
    );
    return cut(line.join(gap).trimEnd(), width);
  });
}
