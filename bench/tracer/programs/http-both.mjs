// 20,000 requests of a process to itself; 12,000 before them, so that what is measured is what a request costs and not
// what compiling costs.
import { createClients } from "./http-requests.mjs";
import { listen } from "./http-server.mjs";
import { report } from "./report.mjs";

const server = await listen();
const { ask, close } = createClients(server.address().port);

await ask(12_000);
await report(() => ask(20_000));
close();
server.close();
