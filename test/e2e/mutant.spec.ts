// A check of the checks: an extension whose server finds everything and reports nothing must make diagnostics.spec.ts
// fail. The mutation happens while bundling; the product has no switch for it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildAll, root } from "@unknot/scripts/build.ts";
import { packageExtension } from "@unknot/scripts/package.ts";
import type { Plugin } from "esbuild";

/** Runs before the server: takes the diagnostics out of every message that it sends. */
const silencer = `
const send = process.send?.bind(process);
process.send = (message, ...rest) => {
  if (Array.isArray(message?.result?.items)) message = { ...message, result: { ...message.result, items: [] } };
  if (message?.method === "textDocument/publishDiagnostics") {
    message = { ...message, params: { ...message.params, diagnostics: [] } };
  }
  return send(message, ...rest);
};
`;

const silent: Plugin = {
  name: "no diagnostics",
  setup(build) {
    build.onLoad({ filter: /server[\\/]src[\\/]lsp[\\/]main\.ts$/ }, ({ path: file }) => ({
      contents: `${silencer}${readFileSync(file, "utf8")}`,
      loader: "ts",
    }));
  },
};

describe("an extension that reports nothing", () => {
  it("makes the tests of the diagnostics fail", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "unknot-mutant-"));
    try {
      await buildAll(path.join(folder, "dist"), [silent]);
      const vsix = await packageExtension(path.join(folder, "dist", "extension"), folder);
      const { code, output } = await runDiagnosticsSpec(vsix, path.join(folder, "pictures"));
      assert.equal(code, 1, output);
      // It fails because the first problem does not show, not because nothing could be started.
      assert.match(output, /1\) [^\n]*marks a task that nothing waits for/, output);
      assert.match(output, /Timeout \d+ms exceeded/, output);
      assert.match(
        output,
        /waiting for locator\('\.markers-panel \.monaco-list-row'\)[^\n]*floating-task/,
        output,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function runDiagnosticsSpec(
  vsix: string,
  pictures: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const mocha = path.join(root, "node_modules", "mocha", "bin", "mocha.js");
  const spec = path.join(root, "test", "e2e", "diagnostics.spec.ts");
  const child = spawn(process.execPath, [mocha, "--bail", "--timeout", "120000", spec], {
    cwd: root,
    env: {
      ...process.env,
      UNKNOT_E2E_VSIX: vsix,
      UNKNOT_E2E_PATIENCE_MS: "8000",
      // Its failures are meant: their pictures are not to take the place of others.
      UNKNOT_E2E_PICTURES: pictures,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
