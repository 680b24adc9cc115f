// 20,000 round trips between two tasks over two channels.
import { Chan } from "ts-chan";
import { report } from "./report.mjs";

async function run(trips) {
  const ping = new Chan().setUnsafe(true);
  const pong = new Chan().setUnsafe(true);
  async function echo() {
    for await (const value of ping) await pong.send(value);
  }
  const echoing = echo();
  for (let trip = 0; trip < trips; trip++) {
    await ping.send(trip);
    await pong.recv();
  }
  ping.close();
  await echoing;
}

await run(500);
await report(() => run(20_000));
