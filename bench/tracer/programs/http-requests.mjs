// Clients that wait for answers by hand, 40 at a time over connections that stay.
import http from "node:http";

/** `ask` resolves when a server has answered so many requests. */
export function createClients(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });
  const get = (id) =>
    new Promise((resolve, reject) => {
      http
        .get({ port, host: "127.0.0.1", path: `/${id}`, agent }, (response) => {
          response.resume().on("end", resolve);
        })
        .on("error", reject);
    });
  const ask = async (requests) => {
    let next = 0;
    const one = async () => {
      while (next < requests) await get(next++ % 100);
    };
    await Promise.all(Array.from({ length: 40 }, one));
  };
  return { ask, close: () => agent.destroy() };
}
