// `npm run bench -- [repository…]`: speed and memory beside peers of the same run, as ratios.
//   --only check|tracer   one part
//   --runs N              how often each is run (5)
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAll, root } from "../scripts/build.ts";
import { benchCheck } from "./check.ts";
import { benchTracer } from "./tracer/bench.ts";

const parts = ["check", "tracer"] as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, runs: { type: "string", default: "5" } },
});
const runs = Number(values.runs);
const repositories = positionals.map((repository) => path.resolve(repository));
const missing = repositories.find((repository) => !existsSync(repository));
const problem =
  missing !== undefined
    ? `There is no ${missing}.`
    : !(Number.isInteger(runs) && runs > 0)
      ? `--runs takes a number from 1, not '${values.runs}'.`
      : values.only !== undefined && !parts.some((part) => part === values.only)
        ? `--only takes ${parts.join(" or ")}, not '${values.only}'.`
        : undefined;

if (problem !== undefined) {
  console.error(problem);
  process.exitCode = 2;
} else {
  await buildAll();
  if (values.only !== "tracer") {
    for (const repository of repositories.length > 0 ? repositories : [root]) {
      await benchCheck(repository, runs);
    }
  }
  if (values.only !== "check") await benchTracer({ runs });
}
