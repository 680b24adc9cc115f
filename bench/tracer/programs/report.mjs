/** Runs the measured part and prints what it cost this process: CPU of all its threads, and the largest resident set. */
export async function report(part, { fromStart = false } = {}) {
  // What it costs to start is measured by itself.
  if (!fromStart) await new Promise((resolve) => setTimeout(resolve, 200));
  const before = fromStart ? undefined : process.cpuUsage();
  await part();
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(
    JSON.stringify({ cpuMs: (user + system) / 1000, rssMb: process.resourceUsage().maxRSS / 1024 }),
  );
}
