// `node --import unknot/register` and `--require` of the same file. Whatever goes wrong here, the program runs.
import module from "node:module";
import { passOn, takeChildFacts } from "./children.ts";

/** `module.registerHooks` is there from Node 22.15 and 23.5 on. */
if (typeof module.registerHooks === "function") {
  try {
    const child = takeChildFacts();
    if (child?.passesOn) passOn(__dirname, child);
    else {
      const { start } = require("./start.ts") as typeof import("./start.ts");
      start(__dirname, child);
    }
  } catch (error) {
    process.stderr.write(
      `unknot: the program runs untraced: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
} else {
  process.stderr.write(
    `unknot: the program runs untraced: Node ${process.versions.node} has no module hooks, 22.15 or newer has.\n`,
  );
}
