import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A battery with so much left, in percent, is saved although nobody said so. */
const lowPercent = 20;

/** Where to look; the system's own folders and commands when absent. */
export interface PowerSources {
  readonly platform?: NodeJS.Platform;
  /** `/sys` of Linux. */
  readonly sys?: string;
  /** What macOS's `pmset -g` prints. */
  readonly pmset?: () => Promise<string>;
}

/**
 * Whether the system saves energy: by its own mode (Linux, macOS), or because it runs on a battery that is nearly empty
 * (Linux). False where nothing is known.
 */
export async function savesEnergy({
  platform = process.platform,
  sys = "/sys",
  pmset = askPmset,
}: PowerSources = {}): Promise<boolean> {
  try {
    if (platform === "darwin") return /^\s*lowpowermode\s+1\s*$/m.test(await pmset());
    if (platform !== "linux") return false;
    const profile = await read(path.join(sys, "firmware", "acpi", "platform_profile"));
    return profile === "low-power" || (await hasLowBattery(path.join(sys, "class", "power_supply")));
  } catch {
    return false;
  }
}

async function hasLowBattery(supplies: string): Promise<boolean> {
  const names = await readdir(supplies).catch(() => []);
  const low = await Promise.all(
    names.map(async (name) => {
      const field = (what: string) => read(path.join(supplies, name, what));
      const [type, scope, status, capacity] = await Promise.all(
        ["type", "scope", "status", "capacity"].map(field),
      );
      // A mouse or a keyboard has one, too.
      if (type !== "Battery" || scope === "Device" || status !== "Discharging") return false;
      return capacity !== undefined && Number(capacity) <= lowPercent;
    }),
  );
  return low.some(Boolean);
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

async function askPmset(): Promise<string> {
  const { stdout } = await run("pmset", ["-g"], { timeout: 2000 });
  return stdout;
}
