import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CliError } from "../cli-error.ts";

/** The tracer's entry: beside the bundled command, in the repository where `npm run build` puts it. */
export function registerFile(): string {
  for (const candidate of ["./register.cjs", "../../../dist/npm/register.cjs"]) {
    const file = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new CliError("The tracer is not built: run 'npm run build' first.");
}
