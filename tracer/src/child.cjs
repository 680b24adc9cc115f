// Preloaded, through NODE_OPTIONS, in the child processes of a traced program. A child may run on any Node, so this is
// in the syntax of very old ones; and it is silent, because the child's output is not ours.
"use strict";

/** The tracer's entry, built beside this file. */
var register = "./register.cjs";

try {
  (() => {
    // What the program has loaded is not to show it.
    if (require.cache) delete require.cache[__filename];
    var isMain = true;
    var threads;
    try {
      // biome-ignore lint/style/useNodejsImportProtocol: versions before 14.18 do not know it
      threads = require("worker_threads");
      isMain = threads.isMainThread;
      // The thread of somebody's module hooks is not the program's, and has none itself.
      if (threads.isInternalThread || (!isMain && !threads.parentPort)) return;
    } catch (_) {
      // A Node without threads.
    }
    var told = process.env.UNKNOT_CHILD;
    if (!told) {
      // A thread inherits its process's options, or got this one as the last of its own.
      if (!isMain && process.execArgv.slice(-1)[0] === `--require=${__filename}`) process.execArgv.pop();
      if (!isMain && canTrace()) require(register);
      return;
    }
    var given = JSON.parse(told);
    // The child finds its variables as its parent has set them.
    delete process.env.UNKNOT_CHILD;
    if (typeof given.nodeOptions === "string") process.env.NODE_OPTIONS = given.nodeOptions;
    else delete process.env.NODE_OPTIONS;
    if (!canTrace()) return;
    Object.defineProperty(process, Symbol.for("unknot.child"), {
      configurable: true,
      value: {
        parent: given.parent,
        variables: given.variables,
        passesOn: isMain && isTool(process.argv[1]),
      },
    });
    require(register);
  })();
} catch (_) {
  // The child runs as if Unknot were not there.
}

function canTrace() {
  // Node has module hooks in the program's thread from 22.15 and from 23.5 on, and those of 20 are known.
  var version = process.versions.node.split(".").map(Number);
  if (process.versions.electron || process.versions.bun) return false;
  var first = { 20: 19, 22: 15, 23: 5 }[version[0]];
  return version[0] > 23 || version[1] >= first;
}

// Package managers, compilers, linters and formatters: they are on the way to the program, never the program.
function isTool(script) {
  if (!script) return false;
  var file = script;
  try {
    // biome-ignore lint/style/useNodejsImportProtocol: as above
    file = require("fs").realpathSync(script);
  } catch (_) {
    // Node looks for it with an ending.
  }
  file = file.replace(/\\/g, "/");
  return (
    /(^|\/)node_modules\/(npm|pnpm|yarn|corepack|typescript|@typescript\/native-preview|eslint|prettier|@biomejs\/biome|oxlint|turbo|lerna|nx|rimraf|husky|lint-staged|concurrently|cross-env|npm-run-all2?|nyc|c8)\//.test(
      file,
    ) ||
    /(^|\/)(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack|tsc|eslint|prettier|biome|oxlint|turbo|lerna|nx)(-cli)?(\.c?js)?$/.test(
      file,
    )
  );
}
