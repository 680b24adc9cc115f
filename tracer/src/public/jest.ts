// `runner: "unknot/jest"` in jest's configuration: traces the tests, and fails each that leaves tasks behind. Jest's
// workers are traced because the process that starts them is.
import "./register-here.ts";
import { createRequire } from "node:module";
import path from "node:path";

interface ProjectConfig {
  readonly setupFilesAfterEnv: readonly string[];
}

interface Test {
  readonly context: { readonly config: ProjectConfig };
}

/** What of jest's own runner is used. */
type JestRunner = new (
  ...args: unknown[]
) => { runTests(tests: readonly Test[], ...rest: unknown[]): Promise<void> };

const setup = path.join(__dirname, "testing-jest.cjs");

// biome-ignore lint/style/noDefaultExport: jest takes a runner from there
export default class extends jestRunner() {
  override runTests(tests: readonly Test[], ...rest: unknown[]): Promise<void> {
    const contexts = new Map<Test["context"], Test["context"]>();
    const withSetup = (context: Test["context"]): Test["context"] => {
      const { config } = context;
      const known = contexts.get(context) ?? {
        ...context,
        config: { ...config, setupFilesAfterEnv: [setup, ...config.setupFilesAfterEnv] },
      };
      contexts.set(context, known);
      return known;
    };
    const changed = tests.map((test) => ({ ...test, context: withSetup(test.context) }));
    return super.runTests(changed, ...rest);
  }
}

/** That of the jest that runs: of its packages, only some are seen from elsewhere. */
function jestRunner(): JestRunner {
  let from = require.main?.filename ?? __filename;
  for (const name of ["jest-cli", "@jest/core", "jest-config", "jest-runner"]) {
    try {
      from = createRequire(from).resolve(name);
    } catch {
      // A newer jest may have fewer packages on the way.
    }
  }
  const { default: runner } = createRequire(from)(from) as { default: JestRunner };
  return runner;
}
