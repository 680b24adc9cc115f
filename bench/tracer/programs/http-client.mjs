// Asks the server at a port, as often as its parent says, 40 times at once.
import http from "node:http";

const port = Number(process.argv[2]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });

function ask(id) {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: "127.0.0.1", path: `/${id}`, agent }, (response) => {
        response.resume().on("end", resolve);
      })
      .on("error", reject);
  });
}

process.on("message", async (requests) => {
  let next = 0;
  const one = async () => {
    while (next < requests) await ask(next++ % 100);
  };
  await Promise.all(Array.from({ length: 40 }, one));
  process.send("answered");
});
process.on("disconnect", () => agent.destroy());
