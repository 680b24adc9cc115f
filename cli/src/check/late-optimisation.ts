import { setFlagsFromString } from "node:v8";

/** Of this many files a check takes long enough for optimised code to pay. */
const manyFiles = 1_000;

/**
 * Makes V8 wait longer before it optimises a function, until `hurry` hears of many files. A check of a few hundred files
 * is over in seconds, and half of its CPU time would go into optimising what hardly runs any more. Holds for the whole
 * process, with the versions of V8 in which it was measured.
 */
export function optimiseLate(): { hurry(files: number): void } {
  const [flag, late, usual] = flagOf(Number.parseInt(process.versions.v8, 10));
  const set = (to: number | undefined) => {
    if (flag !== undefined && to !== undefined) setFlagsFromString(`${flag}=${to}`);
  };
  let isLate = true;
  set(late);
  return {
    hurry(files) {
      if (!isLate || files < manyFiles) return;
      isLate = false;
      set(usual);
    },
  };
}

/** The flag with a late and with V8's own value. */
function flagOf(version: number): readonly [flag?: string, late?: number, usual?: number] {
  switch (version) {
    case 11: // Node 20: bytes of code that have run
      return ["--interrupt-budget", 675_840, 67_584];
    case 12: // Node 22: calls
    case 13: // Node 24
      return ["--invocation-count-for-turbofan", 12_000, 3_000];
    default:
      return [];
  }
}
