import { never, type Sample } from "./sample.ts";

/** A server that lets everybody in and answers every query with nothing. */
const pgServer = `import { createServer } from "node:net";
const server = createServer((socket) => {
  const message = (type, body) => { const head = Buffer.alloc(5); head.write(type); head.writeInt32BE(body.length + 4, 1); return Buffer.concat([head, body]); };
  const ready = message("Z", Buffer.from("I"));
  let started = false;
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if (!started) { started = true; socket.write(Buffer.concat([message("R", Buffer.alloc(4)), ready])); return; }
    for (let at = 0; at < data.length; at += 1 + data.readInt32BE(at + 1)) {
      const type = String.fromCharCode(data[at]);
      if (type === "Q") socket.write(Buffer.concat([message("C", Buffer.from("SELECT 0\\0")), ready]));
      if (type === "X") socket.end();
    }
  });
});
const listening = new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
`;

const mysqlServer = `import core from "mysql2";
const server = core.createServer();
server.on("connection", (connection) => {
  connection.serverHandshake({ protocolVersion: 10, serverVersion: "5.7.0", connectionId: 1, statusFlags: 2, characterSet: 8, capabilityFlags: 0xffffff ^ 0x800 });
  connection.on("query", () => connection.writeOk());
  connection.on("error", () => {});
});
const listening = new Promise((resolve) => server.listen(0, () => resolve((server._server ?? server).address().port)));
`;

export const pools: Readonly<Record<string, Sample>> = {
  pg: {
    uses: ["pg-pool"],
    setUp: `${pgServer}
const $pools = {};
const open = async (name, max) => { const made = new (of("Pool"))({ host: "127.0.0.1", port: await listening, user: "user", max, idleTimeoutMillis: 0 }); $pools[name] = made; return made; };`,
    behaves: `
  const pool = await open("first", 1);
  const turn = async (name) => { const client = await pool.connect(); log(name, pool.waitingCount, (await client.query("select 1")).rowCount); client.release(); };
  await Promise.all([turn("a"), turn("b")]);
  log((await Promise.all([pool.query("select 1"), pool.query("select 2")])).map((each) => each.command));
  await new Promise((done) => pool.connect((error, client, release) => { log(error, typeof client, release.length); release(); done(); }));
  await pool.end(); await pool.connect().catch((error) => log(error.message)); server.close();
`,
    scene: `
async function $holds() { const $pool = await open("second", 1); const client = await $pool.connect(); /* here */ $waits($pool); $queries($pool); ${never} client.release(); }
async function $waits(pool) { const client = await pool.connect(); client.release(); }
async function $queries(pool) { await pool.query("select 1"); }
`,
    tasks: ["holds"],
    shows: {
      kind: "pool",
      capacity: 1,
      holders: ["holds"],
      waiters: ["waits", "queries"],
    },
  },
  mysql2: {
    specifier: "mysql2/promise",
    setUp: `${mysqlServer}
const open = async () => main.createPool({ host: "127.0.0.1", port: await listening, user: "user", connectionLimit: 1, connectTimeout: 1e8 });`,
    behaves: `
  const pool = await open();
  const turn = async (name) => { const connection = await pool.getConnection(); log(name, JSON.stringify((await connection.query("select 1"))[0].affectedRows)); connection.release(); };
  await Promise.all([turn("a"), turn("b")]);
  log((await Promise.all([pool.query("select 1"), pool.query("select 2")])).length);
  const connection = await pool.getConnection(); connection.release();
  const lost = await pool.getConnection(); const next = turn("c"); lost.destroy(); await next;
  log(Object.getPrototypeOf(pool).getConnection.length, pool.constructor.name);
  await pool.end(); await pool.getConnection().catch((error) => log(error.message));
  server.close();
`,
    scene: `
async function $holds() { const $pool = await open(); const connection = await $pool.getConnection(); /* here */ $waits($pool); $queries($pool); ${never} connection.release(); }
async function $waits(pool) { const connection = await pool.getConnection(); connection.release(); }
async function $queries(pool) { await pool.query("select 1"); }
`,
    tasks: ["holds"],
    shows: {
      kind: "pool",
      capacity: 1,
      holders: ["holds"],
      waiters: ["waits", "queries"],
    },
  },
};
