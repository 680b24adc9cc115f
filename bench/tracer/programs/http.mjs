// A server answers 20,000 requests of another process, which is not traced; 12,000 before them, so that what is measured
// is what a request costs and not what compiling costs.
import { fork } from "node:child_process";
import { once } from "node:events";
import { listen } from "./http-server.mjs";
import { report } from "./report.mjs";

const server = await listen();
const client = fork(new URL("./http-client.mjs", import.meta.url), [String(server.address().port)], {
  execArgv: [],
  env: { ...process.env, NODE_OPTIONS: "", UNKNOT_TRACE: "0" },
});

async function ask(requests) {
  const answered = once(client, "message");
  client.send(requests);
  await answered;
}

await ask(12_000);
await report(() => ask(20_000));
client.disconnect();
server.close();
