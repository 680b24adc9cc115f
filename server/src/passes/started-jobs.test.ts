import assert from "node:assert/strict";
import { analyzeProgram } from "../analysis/analyze.ts";
import { openProgram } from "../program/open-program.ts";
import { testProject } from "../program/testing/project.ts";

const jobs = (annotation: string) => `import pLimit from "p-limit";
const limit = pLimit(2);
async function load(url${annotation}) { return (await fetch(url)).text(); }
export const one = (url${annotation}) => limit(load(url));
`;

describe("jobs that are promises", function () {
  this.timeout(60_000);

  const reported = (files: Readonly<Record<string, string>>, checkJs: boolean): readonly string[] => {
    const compilerOptions = { strict: true, allowJs: true, checkJs, module: "nodenext", target: "es2023" };
    const project = testProject(
      { "tsconfig.json": JSON.stringify({ compilerOptions }), ...files },
      { dependencies: ["p-limit"] },
    );
    const program = openProgram();
    try {
      program.open([project.folder]);
      const { findings } = analyzeProgram(program, program.files(), { rules: ["queue-job-not-function"] });
      return findings.map(({ at }) => at.file.slice(project.folder.length + 1));
    } finally {
      program.close();
      project.dispose();
    }
  };

  it("are reported where TypeScript does not check", () => {
    assert.deepEqual(reported({ "a.js": jobs(""), "b.js": `// @ts-check\n${jobs("")}` }, false), ["a.js"]);
  });

  it("are left to TypeScript where it does", () => {
    const files = { "a.js": jobs(""), "b.js": `// @ts-nocheck\n${jobs("")}`, "c.ts": jobs(": string") };
    assert.deepEqual(reported(files, true), ["b.js"]);
  });
});
