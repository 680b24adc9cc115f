import type { FileFacts, Temp } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import type { ProgramView } from "./analyzer.ts";
import { usesIn } from "./flow.ts";
import type { ModuleGraph } from "./world.ts";

const listeners = new Set(["on", "once", "addListener", "prependListener", "addEventListener"]);
/** Modules of hosts that listen themselves: VS Code logs what extensions leave behind. */
const hosts = new Set(["vscode"]);
/** Node raises a rejection that nobody handles as an uncaught exception. */
const event = /^(unhandledrejection|uncaughtexception)$/i;

/**
 * The files of programs that listen to `unhandledRejection` or `uncaughtException`: there, a task that nobody waits for fails without ending
 * the process. A listener counts for all files that its importers load, and not for tests' sake.
 */
export function filesWithRejectionListener(view: ProgramView): ReadonlySet<FilePath> {
  const { world } = view;
  const installing = world.files.filter((file) => {
    const role = view.roleOf(file);
    if (role !== "source" && role !== "script") return false;
    const facts = world.facts(file);
    if (!facts) return false;
    return facts.imports.some((one) => hosts.has(one.specifier)) || listens(facts);
  });
  if (installing.length === 0) return new Set();
  const key = [world.files.length, ...installing].join("\n");
  const known = reached.get(world.graph);
  if (known?.key === key) return known.files;
  const imports = new Map<FilePath, readonly FilePath[]>();
  const importers = new Map<FilePath, FilePath[]>();
  for (const file of world.files) {
    const targets = world.filesImportedBy(file);
    imports.set(file, targets);
    for (const target of targets) {
      const known = importers.get(target);
      if (known) known.push(file);
      else importers.set(target, [file]);
    }
  }
  const loading = reach(installing, (file) => importers.get(file) ?? []);
  const files = reach([...loading], (file) => imports.get(file) ?? []);
  reached.set(world.graph, { key, files });
  return files;
}

/** By what the listening files are, the files that hear of it. */
const reached = new WeakMap<ModuleGraph, { readonly key: string; readonly files: ReadonlySet<FilePath> }>();

const listening = new WeakMap<FileFacts, boolean>();

function listens(facts: FileFacts): boolean {
  const known = listening.get(facts) ?? installsListener(facts);
  listening.set(facts, known);
  return known;
}

function installsListener(facts: FileFacts): boolean {
  return facts.functions.some((one) => {
    const uses = usesIn(one);
    const isEvent = (temp: Temp | undefined) => {
      const [definition] = temp === undefined ? [] : uses.definitions(temp);
      const constant = definition?.op === "constant" ? definition.constant : undefined;
      return constant?.type === "string" && event.test(constant.value);
    };
    return one.blocks.some(({ code }) =>
      code.some((i) => {
        if (i.op !== "call" || !isEvent(i.arguments[0])) return false;
        const [callee] = uses.definitions(i.callee);
        return callee?.op === "get" && listeners.has(callee.name);
      }),
    );
  });
}

function reach(from: readonly FilePath[], next: (file: FilePath) => readonly FilePath[]): Set<FilePath> {
  const found = new Set(from);
  const open = [...from];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const to of next(file)) {
      if (found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}
