// A hundred thousand runners wait for the starting gun, then run. Tasks are cheap: this takes a fraction of a second.
//
// What is wrong: nobody fires the gun. All runners wait at the same line, and race() waits for all of them. In a task
// dump they are one entry with the number 100,000.

const gun = Promise.withResolvers<void>();

async function run(_number: number): Promise<number> {
  // Mistake: nothing ever ends this wait.
  await gun.promise;
  return 100;
}

async function race(runners: number): Promise<number> {
  const running = Array.from({ length: runners }, (_, index) => run(index + 1));
  const meters = await Promise.all(running);
  return meters.reduce((sum, each) => sum + each, 0);
}

console.log(`${(await race(100_000)) / 1000} kilometers run.`);
