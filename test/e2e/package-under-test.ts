import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packageExtension } from "@unknot/scripts/package.ts";

let packed: Promise<string> | undefined;

/** The `.vsix` that the specs install: `UNKNOT_E2E_VSIX`, else one packed once per run from what `npm run build` made. */
export function packageUnderTest(): Promise<string> {
  const named = process.env["UNKNOT_E2E_VSIX"];
  packed ??= named
    ? Promise.resolve(named)
    : packageExtension(undefined, mkdtempSync(path.join(tmpdir(), "unknot-vsix-")));
  return packed;
}
