// Functions are sent to workers by their text.
import workerpool from "workerpool";

for (const workerType of ["thread", "process"]) {
  const pool = workerpool.pool({ maxWorkers: 2, workerType });
  async function square(n) {
    const half = await new Promise((resolve) => setTimeout(resolve, 1, n / 2));
    for await (const one of [half, half]) n = one * 2;
    return n ** 2;
  }
  console.log(await Promise.all([1, 2, 3].map((n) => pool.exec(square, [n]))));
  await pool
    .exec(async () => {
      await null;
      throw new RangeError("on purpose");
    })
    .catch((error) => console.log(error.name, error.message));
  await pool.terminate();
}
