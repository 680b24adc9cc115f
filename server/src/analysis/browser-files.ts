import type { FileFacts, Instruction } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import type { ProgramView } from "./analyzer.ts";
import { usesIn } from "./flow.ts";

// Which files run in browsers, where a task that fails ends no process.

const browserNames: ReadonlySet<string> = new Set([
  "window",
  "document",
  "navigator",
  "localStorage",
  "sessionStorage",
  "indexedDB",
  "customElements",
  "location",
  "RTCPeerConnection",
  "MediaStream",
  "MediaStreamTrack",
  "MediaRecorder",
  "HTMLElement",
  "XMLHttpRequest",
  "ServiceWorker",
]);

/** `process.env.NODE_ENV` is replaced by bundlers; what else only Node has tells. */
const nodeNames: ReadonlySet<string> = new Set([
  "process",
  "Buffer",
  "__dirname",
  "__filename",
  "setImmediate",
]);

/** Without those that bundlers bring along for browsers: `events`, `buffer`, `util`. */
const nodeModules =
  /^(?:node:.*|(?:async_hooks|child_process|cluster|crypto|dgram|dns|fs|http|http2|https|module|net|os|path|perf_hooks|readline|tls|tty|v8|vm|worker_threads|zlib)(?:\/.*)?)$/;

/** They draw into a page, or run what only a page has: effects, which a server leaves out. */
const browserModules =
  /^(?:react-dom|preact|vue|svelte|solid-js|@angular\/platform-browser)(?:\/(?!server).*)?$/;
const effects: ReadonlySet<string> = new Set(["useEffect", "useLayoutEffect"]);
/** React that draws into a terminal, in Node. */
const terminalModules = /^ink(?:-.*)?$/;

/** Of the files that load one another, how many have to be for browsers; a library for both tests for them in a few. */
const share = 0.1;

/**
 * Whether a file is for browsers: it has JSX in it, names of the browser that nobody declares, or what draws into pages,
 * or it belongs to files that load one another of which a good part are and none needs Node.
 */
export function createBrowserFiles(view: ProgramView): (file: FilePath) => boolean {
  let together: ReadonlySet<FilePath> | undefined;
  return (file) => {
    const facts = view.world.facts(file);
    if (!facts) return false;
    if (marksOf(facts).browser) return true;
    together ??= filesOfBrowserPrograms(view);
    return together.has(file);
  };
}

function filesOfBrowserPrograms(view: ProgramView): ReadonlySet<FilePath> {
  const { world } = view;
  const neighbours = new Map<FilePath, FilePath[]>();
  const link = (a: FilePath, b: FilePath) => {
    const known = neighbours.get(a);
    if (known) known.push(b);
    else neighbours.set(a, [b]);
  };
  const isPart = (file: FilePath) => view.roleOf(file) === "source";
  for (const file of world.files.filter(isPart)) {
    for (const other of world.filesLoadedBy(file).filter(isPart)) {
      link(file, other);
      link(other, file);
    }
  }
  const found = new Set<FilePath>();
  const seen = new Set<FilePath>();
  for (const first of neighbours.keys()) {
    if (seen.has(first)) continue;
    seen.add(first);
    const members = [first];
    for (const file of members) {
      for (const next of neighbours.get(file) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        members.push(next);
      }
    }
    const marks = members.flatMap((file) => world.facts(file) ?? []).map(marksOf);
    const browser = marks.filter((mark) => mark.browser).length;
    if (browser < marks.length * share || marks.some(({ node }) => node)) continue;
    for (const file of members) found.add(file);
  }
  return found;
}

function isDrawn({ imports }: FileFacts): boolean {
  if (imports.some(({ specifier }) => terminalModules.test(specifier))) return false;
  return imports.some(
    ({ specifier, imported, typeOnly }) =>
      !typeOnly && (browserModules.test(specifier) || effects.has(imported)),
  );
}

interface Marks {
  readonly browser: boolean;
  readonly node: boolean;
}

const marksByFacts = new WeakMap<FileFacts, Marks>();

function marksOf(facts: FileFacts): Marks {
  const known = marksByFacts.get(facts);
  if (known) return known;
  const code = facts.functions.flatMap((one) =>
    one.blocks.flatMap((block) => block.code.map((i) => ({ i, uses: usesIn(one) }))),
  );
  const isBrowser = ({ i }: { readonly i: Instruction }) =>
    i.op === "jsx" || (i.op === "global" && browserNames.has(i.name));
  const isNode = ({ i, uses }: { readonly i: Instruction; readonly uses: ReturnType<typeof usesIn> }) =>
    (i.op === "require" && nodeModules.test(i.specifier)) ||
    (i.op === "global" &&
      nodeNames.has(i.name) &&
      !uses.readers(i.to).every((reader) => reader.op === "get" && reader.name === "env"));
  const marks: Marks = {
    browser: code.some(isBrowser) || isDrawn(facts),
    node: facts.imports.some(({ specifier }) => nodeModules.test(specifier)) || code.some(isNode),
  };
  marksByFacts.set(facts, marks);
  return marks;
}
