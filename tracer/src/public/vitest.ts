// `plugins: [unknot()]` in vitest's configuration: traces the tests, and fails each that leaves tasks behind. Vitest's
// workers are traced because the process that starts them is.
import "./register-here.ts";
import path from "node:path";

export function unknot(): {
  readonly name: string;
  config(): { test: { setupFiles: string[] } };
} {
  return {
    name: "unknot",
    config: () => ({ test: { setupFiles: [path.join(__dirname, "testing-vitest.mjs")] } }),
  };
}
