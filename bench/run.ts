// `npm run bench -- [repository…]`: speed and memory beside peers of the same run, as ratios.
//   --only check|editor|tracer|panel   one part
//   --edit FILE           the file of the repository that is edited; without it the editor's part is left out
//   --idle SECONDS        how long nothing happens after the edits before memory is looked at again (0)
//   --program NAME        one program of the tracer's part; may be given several times
//   --runs N              how often each is run (5)
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAll, root } from "../scripts/build.ts";
import { benchCheck } from "./check.ts";
import { benchEditor } from "./editor.ts";
import { benchPanel } from "./panel.ts";
import { benchTracer, programs } from "./tracer/bench.ts";

const parts = ["check", "editor", "tracer", "panel"] as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    edit: { type: "string" },
    idle: { type: "string", default: "0" },
    program: { type: "string", multiple: true },
    runs: { type: "string", default: "5" },
  },
});
const runs = Number(values.runs);
const idleSeconds = Number(values.idle);
const repositories = positionals.map((repository) => path.resolve(repository));
const missing = repositories.find((repository) => !existsSync(repository));
const unknown = values.program?.find((program) => !programs.includes(program));
const problem =
  missing !== undefined
    ? `There is no ${missing}.`
    : !(Number.isInteger(runs) && runs > 0)
      ? `--runs takes a number from 1, not '${values.runs}'.`
      : unknown !== undefined
        ? `There is no program '${unknown}'; there are ${programs.join(", ")}.`
        : !(idleSeconds >= 0)
          ? `--idle takes seconds, not '${values.idle}'.`
          : values.only !== undefined && !parts.some((part) => part === values.only)
            ? `--only takes ${parts.join(", ")}, not '${values.only}'.`
            : values.only === "editor" && values.edit === undefined
              ? "--only editor needs --edit with a file of the repository."
              : undefined;

if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 2;
} else {
  await buildAll();
  const isWanted = (part: (typeof parts)[number]) => values.only === undefined || values.only === part;
  for (const repository of repositories.length > 0 ? repositories : [root]) {
    if (isWanted("check")) await benchCheck(repository, runs);
    if (isWanted("editor") && values.edit !== undefined) {
      await benchEditor(repository, values.edit, { edits: 4 * runs, idleSeconds });
    }
  }
  if (isWanted("tracer")) await benchTracer({ runs, programs: values.program });
  if (isWanted("panel")) await benchPanel({ runs });
}
