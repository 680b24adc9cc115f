// What the tracer does about debuggers that hold every new thread until they have attached to it, as js-debug does.
import assert from "node:assert/strict";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";
import { nodes, programFolder, registerFile, run, start } from "./kit.ts";

/** Holds every new thread, and lets go of none. `enabled` is what it enables there before the thread's first line. */
const debuggerThat = (enabled: readonly string[]) => `const inspector = require("node:inspector");
inspector.open(0, "127.0.0.1");
const session = new inspector.Session();
session.connect();
session.on("NodeWorker.attachedToWorker", ({ params: { sessionId } }) => {
  for (const [id, method] of ${JSON.stringify(enabled)}.entries()) {
    session.post("NodeWorker.sendMessageToWorker", { sessionId, message: JSON.stringify({ id, method }) });
  }
});
session.post("NodeWorker.enable", { waitForDebuggerOnStart: true });
`;

/** Lets go of the program's threads, as a debugger does that has a session for each, and not of the tracer's. */
const debuggerOfThreads = `const inspector = require("node:inspector");
const { isMainThread } = require("node:worker_threads");
if (isMainThread) {
  inspector.open(0, "127.0.0.1");
  const session = new inspector.Session();
  session.connect();
  const tell = (sessionId, method) =>
    session.post("NodeWorker.sendMessageToWorker", { sessionId, message: JSON.stringify({ id: 1, method }) });
  session.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }) => {
    tell(sessionId, "Debugger.enable");
    if (!workerInfo.title.endsWith(${JSON.stringify(tracerWorkerName)})) tell(sessionId, "Runtime.runIfWaitingForDebugger");
  });
  session.on("NodeWorker.receivedMessageFromWorker", ({ params: { sessionId, message } }) => {
    if (JSON.parse(message).method === "Debugger.paused") tell(sessionId, "Debugger.resume");
  });
  session.post("NodeWorker.enable", { waitForDebuggerOnStart: true });
}
`;

const waits = `async function waits() { await new Promise((resolve) => setTimeout(resolve, 3_600_000)); }
waits();
`;

describe("a traced program under a debugger", () => {
  const folder = programFolder({
    "holds.cjs": debuggerThat([]),
    "pauses.cjs": debuggerThat(["Runtime.enable", "Debugger.enable"]),
    "of-threads.cjs": debuggerOfThreads,
    "waits.mjs": waits,
    "thread.mjs": `import { Worker } from "node:worker_threads";\nnew Worker(new URL("./waits.mjs", import.meta.url));\n`,
    "blocks.mjs": `${waits}Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n`,
    "ends.mjs": 'console.log("done");\nprocess.exitCode = 3;\n',
  });

  for (const node of nodes) {
    for (const program of ["waits.mjs", "blocks.mjs"]) {
      for (const one of ["holds.cjs", "pauses.cjs"]) {
        it(`is traced though the debugger ${one.replace(".cjs", "")} new threads: ${program}, ${node.name}`, async () => {
          const running = start(folder, program, { node, options: ["--require", folder.file(one)] });
          const client = await running.connect();
          await client.dumpWhen("the task", ({ tasks }) => tasks.some(({ name }) => name === "waits"));
        });
      }
    }

    for (const order of ["before", "after"] as const) {
      it(`is traced in its threads, too, when the debugger comes ${order} the tracer: ${node.name}`, async () => {
        const preloads = [registerFile, folder.file("of-threads.cjs")];
        const running = start(folder, "thread.mjs", {
          node,
          traced: false,
          options: (order === "before" ? preloads.reverse() : preloads).flatMap((file) => [
            "--require",
            file,
          ]),
        });
        const client = await running.connect((each) => each.pid === running.pid && each.threadId > 0);
        await client.dumpWhen("the task", ({ tasks }) => tasks.some(({ name }) => name === "waits"));
      });
    }

    it(`ends as it would without: ${node.name}`, async () => {
      const { code, stdout } = await run(folder, "ends.mjs", { node, options: ["--inspect=127.0.0.1:0"] });
      assert.equal(stdout, "done\n");
      assert.equal(code, 3);
    });
  }
});
