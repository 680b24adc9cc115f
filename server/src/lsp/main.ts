// The language server: started by a client over IPC (`--node-ipc`) or standard input and output (`--stdio`).
import { constants, setPriority } from "node:os";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { serve } from "./server.ts";

try {
  // Typing comes before analysis; threads and processes that start from here inherit it.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Not everybody may.
}

const connection = createConnection(ProposedFeatures.all);
process.on("unhandledRejection", (reason) => {
  connection.console.error(`Unexpected: ${reason instanceof Error ? reason.stack : String(reason)}`);
});
serve(connection);
