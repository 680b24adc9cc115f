// A million tasks that are alive at once.
import { report } from "./report.mjs";

let open;
const gate = new Promise((resolve) => {
  open = resolve;
});

async function task(index) {
  await gate;
  return index;
}

await report(async () => {
  const tasks = Array.from({ length: 1_000_000 }, (_, index) => task(index));
  await new Promise((resolve) => setTimeout(resolve, 50));
  open();
  await Promise.all(tasks);
});
