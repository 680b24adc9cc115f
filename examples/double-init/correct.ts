// Two requests come at once, and both need the settings. They are loaded once: what is kept is the promise, so the test
// and the assignment stand in one step and the second request waits for the first.
import { setTimeout as sleep } from "node:timers/promises";

interface Settings {
  readonly greeting: string;
}

let loads = 0;
let settings: Promise<Settings> | undefined;

async function load(): Promise<Settings> {
  loads++;
  await sleep(10); // reading them from a server
  return { greeting: "Hello" };
}

async function current(): Promise<Settings> {
  settings ??= load();
  return await settings;
}

async function handle(name: string): Promise<void> {
  const { greeting } = await current();
  console.log(`${greeting}, ${name}!`);
}

await Promise.all([handle("Ada"), handle("Bob")]);
console.log(`Settings loaded ${loads} ${loads === 1 ? "time" : "times"}.`);
