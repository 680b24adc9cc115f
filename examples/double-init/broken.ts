// Two requests come at once, and both need the settings, which should be loaded once.
//
// What is wrong: the second request comes while the first one is still loading, finds nothing, and loads them again.
import { setTimeout as sleep } from "node:timers/promises";

interface Settings {
  readonly greeting: string;
}

let loads = 0;
let settings: Settings | undefined;

async function load(): Promise<Settings> {
  loads++;
  await sleep(10); // reading them from a server
  return { greeting: "Hello" };
}

async function current(): Promise<Settings> {
  // Mistake: others come in while this one waits.
  settings ??= await load();
  return settings;
}

async function handle(name: string): Promise<void> {
  const { greeting } = await current();
  console.log(`${greeting}, ${name}!`);
}

await Promise.all([handle("Ada"), handle("Bob")]);
console.log(`Settings loaded ${loads} ${loads === 1 ? "time" : "times"}.`);
