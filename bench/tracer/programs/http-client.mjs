// Asks the server at a port, as often as its parent says.
import { createClients } from "./http-requests.mjs";

const { ask, close } = createClients(Number(process.argv[2]));

process.on("message", async (requests) => {
  await ask(requests);
  process.send("answered");
});
process.on("disconnect", close);
