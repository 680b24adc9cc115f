// Runs before the program in every Node process of a traced debug session, through `--require` in NODE_OPTIONS. It is
// copied to a folder that outlives updates of the extension, so it has to be silent when the rest is gone, and in the
// syntax of very old Node versions, because child processes may run on any.
"use strict";

try {
  (() => {
    var register = process.env.UNKNOT_REGISTER;
    if (!register || process.env.UNKNOT_TRACE === "0" || process.versions.electron) return;
    // module.registerHooks is there from 22.15 and from 23.5 on, and the hooks of 20.19 are known.
    var version = process.versions.node.split(".").map(Number);
    var first = { 20: 19, 22: 15, 23: 5 }[version[0]];
    if (!(version[0] > 23 || version[1] >= first)) return;
    if (isTool(process.argv[1])) return;
    require(register);
  })();
} catch (_) {
  // The program runs as if Unknot were not there.
}

// Package managers, compilers, linters and formatters: they are on the way to the program, never the program.
function isTool(script) {
  if (!script) return false;
  var file = script.replace(/\\/g, "/");
  return (
    /(^|\/)node_modules\/(npm|pnpm|yarn|corepack|typescript|@typescript\/native-preview|@babel\/cli|@swc\/cli|esbuild|rollup|webpack|webpack-cli|tsup|tsdown|eslint|stylelint|prettier|@biomejs\/biome|oxlint|knip|turbo|lerna|nx|rimraf|husky|lint-staged)\//.test(
      file,
    ) ||
    /(^|\/)(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack|tsc|tsgo|babel|swc|esbuild|rollup|webpack|tsup|tsdown|eslint|stylelint|prettier|biome|oxlint|knip|turbo|lerna|nx)(-cli)?(\.c?js)?$/.test(
      file,
    )
  );
}
