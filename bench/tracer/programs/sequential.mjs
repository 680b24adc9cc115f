// A million awaits, one after the other.
import { report } from "./report.mjs";

async function step(index) {
  return index;
}

async function run(awaits) {
  let sum = 0;
  for (let index = 0; index < awaits; index++) sum += await step(index);
  return sum;
}

await run(20_000);
await report(() => run(1_000_000));
