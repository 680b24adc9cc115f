import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./child.cjs", import.meta.url));

interface Like {
  readonly node?: string;
  readonly script?: string;
  readonly env?: Record<string, string>;
  readonly thread?: boolean;
  readonly execArgv?: string[];
  readonly broken?: boolean;
}

/** What the preload does in a process like this. */
function preload({
  node = "22.23.3",
  script = "/app/main.ts",
  env = {},
  thread,
  execArgv = [],
  broken,
}: Like) {
  const loaded: string[] = [];
  const process: Record<string | symbol, unknown> = {
    env,
    versions: { node },
    argv: ["node", script],
    execArgv,
  };
  const require = (name: string) => {
    if (name === "worker_threads") return { isMainThread: !thread, parentPort: thread ? {} : null };
    if (name === "fs") return { realpathSync: (file: string) => file };
    if (broken) throw new Error("gone");
    loaded.push(name);
    return {};
  };
  new Function("process", "require", "__filename", readFileSync(source, "utf8"))(
    process,
    require,
    "/u/child.cjs",
  );
  return { loaded, env, execArgv, facts: process[Symbol.for("unknot.child")] };
}

const told = (facts: object) => ({
  UNKNOT_CHILD: JSON.stringify(facts),
  NODE_OPTIONS: "--require /u/child.cjs",
});

describe("the preload of child processes", () => {
  it("puts the variables back and loads the tracer", () => {
    const { loaded, env, facts } = preload({ env: told({ parent: 7, nodeOptions: "--no-warnings" }) });
    assert.deepEqual([loaded, env], [["./register.cjs"], { NODE_OPTIONS: "--no-warnings" }]);
    assert.deepEqual(facts, { parent: 7, variables: undefined, passesOn: false });
    assert.deepEqual(preload({ env: told({ parent: 7 }) }).env, {});
  });

  it("keeps what only the tracer is to know out of the variables", () => {
    const variables = { UNKNOT_SESSION: "s" };
    const { env, facts } = preload({ env: told({ parent: 7, variables }) });
    assert.deepEqual([env, facts], [{}, { parent: 7, variables, passesOn: false }]);
  });

  it("passes it on in package managers, compilers and linters", () => {
    for (const script of [
      "/usr/lib/node_modules/npm/bin/npm-cli.js",
      "C:\\app\\node_modules\\typescript\\bin\\tsc",
      "/app/node_modules/.bin/eslint",
    ]) {
      assert.deepEqual(
        preload({ script, env: told({ parent: 7 }) }).facts,
        { parent: 7, variables: undefined, passesOn: true },
        script,
      );
    }
  });

  it("only puts the variables back where the tracer can't work", () => {
    for (const node of ["4.9.1", "16.20.0", "20.18.3", "22.14.0", "23.4.0"]) {
      const { loaded, env } = preload({ node, env: told({ parent: 7 }) });
      assert.deepEqual([loaded, env], [[], {}], node);
    }
  });

  it("does nothing in what was not started by a traced program, or when the tracer is gone", () => {
    assert.deepEqual(preload({}).loaded, []);
    assert.deepEqual(preload({ env: told({ parent: 7 }), broken: true }).env, {});
    assert.deepEqual(preload({ env: { UNKNOT_CHILD: "{" } }).loaded, []);
  });

  it("loads the tracer in threads, and takes its own option away", () => {
    const { loaded, execArgv } = preload({
      thread: true,
      execArgv: ["--no-warnings", "--require=/u/child.cjs"],
    });
    assert.deepEqual([loaded, execArgv], [["./register.cjs"], ["--no-warnings"]]);
  });
});
