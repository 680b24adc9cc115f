// A hundred thousand runners wait for the starting gun, then run. Tasks are cheap: this takes a fraction of a second.

const gun = Promise.withResolvers<void>();

async function run(_number: number): Promise<number> {
  await gun.promise;
  return 100;
}

async function race(runners: number): Promise<number> {
  const running = Array.from({ length: runners }, (_, index) => run(index + 1));
  gun.resolve();
  const meters = await Promise.all(running);
  return meters.reduce((sum, each) => sum + each, 0);
}

console.log(`${(await race(100_000)) / 1000} kilometers run.`);
