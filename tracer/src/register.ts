// `node --import unknot/register` and `--require` of the same file. Whatever goes wrong here, the program runs.
import module from "node:module";
import { isInternalThread } from "node:worker_threads";
import { passOn, takeChildFacts } from "./children.ts";

// In the thread that runs somebody's module hooks there is nothing of the program.
if (!isInternalThread) register();

function register(): void {
  // It is there from Node 22.15 and 23.5 on.
  if (typeof module.registerHooks !== "function") {
    runsUntraced(`Node ${process.versions.node} has no module hooks, 22.15 or newer has.`);
    return;
  }
  try {
    const child = takeChildFacts();
    if (child?.passesOn) passOn(__dirname, child);
    else {
      const { start } = require("./start.ts") as typeof import("./start.ts");
      start(__dirname, child);
    }
  } catch (error) {
    runsUntraced(error instanceof Error ? error.message : String(error));
  }
}

function runsUntraced(why: string): void {
  process.stderr.write(`unknot: the program runs untraced: ${why}\n`);
}
