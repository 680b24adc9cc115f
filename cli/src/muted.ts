import path from "node:path";
import { isMuted, type MutingRule } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { createProjects } from "@unknot/server/project/projects.ts";

/** Whether the `unknot.config.json` of the file that a problem is first found in mutes it. */
export function createMuting(): (problem: Problem) => boolean {
  const projectOf = createProjects(undefined);
  return (problem) => {
    const [place] = problem.at;
    if (place === undefined || !path.isAbsolute(place.file)) return false;
    return isMuted(problem, projectOf(place.file).config.mutedProblems);
  };
}

/** What the `unknot.config.json` of a folder mutes. */
export function mutedIn(folder: string): readonly MutingRule[] {
  const file = `${folder.replaceAll("\\", "/")}/.`;
  return createProjects(undefined)(file).config.mutedProblems;
}
