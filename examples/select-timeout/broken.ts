// A thermometer and a hygrometer report through channels of their own, and a display shows whatever comes first. When
// nothing has come for a while, it should say so and stop.
//
// What is wrong: the select has no timeout, so it waits for one more value for ever.
import { setTimeout as sleep } from "node:timers/promises";
import { Chan, recv, Select } from "ts-chan";

async function measure(into: Chan<string>, values: readonly string[]): Promise<void> {
  for (const value of values) {
    await sleep(10);
    await into.send(value);
  }
}

async function show(temperature: Chan<string>, humidity: Chan<string>): Promise<void> {
  const select = new Select([recv(temperature), recv(humidity)]);
  for (;;) {
    // Mistake: nothing ends this wait when no more values come.
    const which = await select.wait();
    console.log(which === 0 ? select.recv(select.cases[0]).value : select.recv(select.cases[1]).value);
  }
}

async function main(): Promise<void> {
  const temperature = new Chan<string>();
  const humidity = new Chan<string>();
  await Promise.all([
    measure(temperature, ["20 °C", "21 °C", "22 °C"]),
    measure(humidity, ["40 %", "41 %"]),
    show(temperature, humidity),
  ]);
}

await main();
