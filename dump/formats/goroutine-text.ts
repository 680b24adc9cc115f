import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { callersOf } from "../callers.ts";
import { lookupOf, siteOf, unprintable, waitMs } from "../names.ts";
import { deadlockLabels, gather } from "../overview.ts";
import { filteredLine, writeSeconds } from "./text.ts";

/**
 * Writes a dump as Go prints goroutines (`debug=2`), for the tools that read those: panicparse, roumon,
 * goroutine-inspect. Six rules keep every one of them happy: the keyword `goroutine` with nothing after `]` but a colon;
 * file names that end in `.go`; nothing but pairs of lines inside a block; only whole minutes after the state, flags
 * in parentheses before them; `(...)` for arguments; the column as an offset. What a task waits for becomes leading
 * frames of a function `unknot.…`, so that grouping by stack keeps waiters of different resources apart. Only a part of a
 * dump has a line before the first goroutine, where these tools expect what a program printed before.
 */
export function* writeGoroutines(dump: Dump): Generator<string, void, undefined> {
  const lookup = lookupOf(dump);
  const callers = callersOf(lookup);
  const labels = deadlockLabels(dump.problems);
  let chunk = dump.filtered === undefined ? "" : `${filteredLine(dump)}\n`;
  for (const group of gather(dump)) {
    for (const index of group.members) {
      const task = dump.tasks[index];
      if (task === undefined) continue;
      const frames = [
        ...waitFrames(task),
        frame(nameOf(task, siteOf(dump, task.at ?? task.entry)), siteOf(dump, task.at ?? task.entry)),
        ...callers(task, 32).map((caller) =>
          frame(nameOf(caller, siteOf(dump, caller.at)), siteOf(dump, caller.at)),
        ),
      ];
      const minutes = Math.floor(waitMs(task) / 60_000);
      const flag = labels.has(task.id) ? " (deadlock)" : "";
      chunk += `goroutine ${task.id} [${task.state}${flag}${minutes < 1 ? "" : `, ${minutes} minutes`}]:\n${frames.join("")}${createdBy(task)}\n`;
      if (chunk.length < 65_536) continue;
      yield chunk;
      chunk = "";
    }
  }
  yield chunk;

  function waitFrames(task: Task): string[] {
    if (task.wait?.on !== "resource") return [];
    const resource = lookup.resourceById.get(task.wait.resource);
    if (resource === undefined) return [];
    const created = siteOf(dump, resource.created);
    const waiting = `unknot.waiting on ${resource.kind} ${resource.id} ${resource.name ?? ""}`.trimEnd();
    const holders = resource.holders
      .slice(0, 4)
      .map((hold) =>
        frame(
          `unknot.held by task ${hold.task ?? "?"} for ${writeSeconds(hold.forMs)}`,
          siteOf(dump, hold.site) ?? created,
        ),
      );
    return [frame(waiting, created), ...holders];
  }

  function createdBy(task: Task): string {
    const site = siteOf(dump, task.created);
    if (site === undefined) return "";
    const creator = task.parent === undefined ? "" : ` in goroutine ${task.parent}`;
    return `created by ${functionName(site.function ?? "(anonymous)")}${creator}\n${location(site)}`;
  }
}

function nameOf(task: Task, site: Site | undefined): string {
  return site?.function ?? task.name;
}

function frame(name: string, site: Site | undefined): string {
  return `${functionName(name)}(...)\n${location(site)}`;
}

/** A name as a Go function may have one, with a package, which the tools take off. */
function functionName(name: string): string {
  const clean = name.replace(/[^\p{L}\p{N}_$.*/#-]/gu, "~") || "anonymous";
  return clean.includes(".") ? clean : `main.${clean}`;
}

function location(site: Site | undefined): string {
  if (site === undefined) return "\tunknown.go:1 +0x0\n";
  const file =
    site.file
      .replace(unprintable, "~")
      .replace(/\s/g, "~")
      .replace(/[:(]+(?=[^/]*$)/g, "~") || "unknown";
  return `\t${file}.go:${Math.max(1, site.line)} +0x${Math.max(0, site.column).toString(16)}\n`;
}
