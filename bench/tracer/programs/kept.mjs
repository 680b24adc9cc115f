// A million awaits of promises that were kept in a variable: whose they are is learned from promise hooks.
import { report } from "./report.mjs";

async function step(index) {
  return index;
}

async function run(awaits) {
  let sum = 0;
  for (let index = 0; index < awaits; index++) {
    const promise = step(index);
    sum += await promise;
  }
  return sum;
}

await run(20_000);
await report(() => run(1_000_000));
