import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { openProgram } from "@unknot/server/program/open-program.ts";
import { slashes } from "@unknot/server/program/paths.ts";
import { createProjectAnalysis } from "@unknot/server/project/project-analysis.ts";
import { median } from "./process-cost.ts";

/**
 * What an edit costs in the language server: a statement is inserted in the middle of `file`, which is then analysed as
 * an editor asks for it. Beside it the first analysis of the same process.
 */
export function benchEdit(repository: string, file: string, edits: number): void {
  let pid = 0;
  const program = openProgram({
    watch: {
      begin(of) {
        pid = of;
      },
    },
  });
  const analysis = createProjectAnalysis({ keepsSolution: true });
  const target = slashes(path.resolve(repository, file));
  const lines = readFileSync(target, "utf8").split("\n");
  const middle = lines.findIndex((line, index) => index > lines.length / 2 && /;\s*$/.test(line)) + 1;
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 + processCpuMs(pid);
  };
  const analyze = () => analysis.run(program, [target], { root: slashes(repository) }).statistics;

  const before = cpuMs();
  program.open([slashes(repository)]);
  const first = analyze();
  const firstMs = cpuMs() - before;
  const costs: number[] = [];
  let evaluations = 0;
  for (let edit = 0; edit < edits; edit += 1) {
    const started = cpuMs();
    // Longer each time, as when somebody types: what stands below it moves.
    const typed = `console.log("${"x".repeat(edit)}");`;
    const text = [...lines.slice(0, middle), typed, ...lines.slice(middle)].join("\n");
    program.setBuffer(target, text);
    program.commit();
    evaluations += analyze().evaluations;
    costs.push(cpuMs() - started);
  }
  program.close();
  console.log(`an edit of ${file} in ${repository} (median of ${edits})`);
  console.log(
    `  first        ${firstMs.toFixed(0)} ms CPU, ${first.evaluations} evaluations of ${first.functions} functions`,
  );
  console.log(
    `  edit         ${median(costs).toFixed(0)} ms CPU, ${(evaluations / edits).toFixed(0)} evaluations`,
  );
}

/** Of TypeScript's process, in steps of 10 ms; 0 where /proc is missing. */
function processCpuMs(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (pid === 0 || !existsSync(file)) return 0;
  const fields = readFileSync(file, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
