// `unknot top` with real processes and, where there is one to be had, on a real terminal.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { programFolder, start, until } from "../traced/kit.ts";
import { root, unknot } from "./unknot.ts";

const program = `import { Mutex } from "async-mutex";
const gate = new Mutex();
async function reserve() {
  const release = await gate.acquire();
  await new Promise(() => {});
  release();
}
for (let n = 0; n < 3; n++) void reserve();
console.log("ready");
setInterval(() => {}, 1000);
`;
const source = path.join(root, "cli", "src", "main.ts");

describe("unknot top", () => {
  const folder = programFolder({ "shop.mjs": program });

  it("prints what there is, once, when nobody watches", async () => {
    const none = await unknot(["top"], { env: folder.env });
    assert.deepEqual([none.code, none.stderr], [0, ""]);
    assert.match(none.stdout, /0 threads, 0 tasks[\s\S]*No process is traced: start one with/);
    const running = start(folder, "shop.mjs");
    await running.printed("ready");
    await running.connect();
    const { code, stdout } = await unknot(["top", String(running.pid), "--filter", "state:mutex"], {
      env: folder.env,
    });
    assert.equal(code, 0);
    assert.ok(!stdout.includes("\u001b"));
    assert.match(
      stdout,
      new RegExp(
        `\\n +2 +${running.pid} +mutex\\.lock .* reserve +shop\\.mjs:4 +mutex gate, held by reserve \\(\\d+\\) for `,
      ),
    );
    const waits = await unknot(["top", "--view", "waits"], { env: folder.env });
    assert.match(waits.stdout, /'gate' is held for .* by 'reserve' at shop\.mjs:4; 2 tasks wait behind/);
  });

  it("says in one sentence what is wrong", async () => {
    for (const [args, message] of [
      [["top", "shop"], /^unknot: 'shop' is no process id: 'unknot ps' lists them\.\n$/],
      [["top", "999999999"], /^unknot: There is no process 999999999 /],
      [["top", "--filter", "age>x"], /^unknot: 'age>' needs a time/],
      [["top", "--interval", "0"], /Give at least 0\.1 seconds\./],
    ] as const) {
      const { code, stderr } = await unknot(args, { env: folder.env });
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });

  it("draws on a terminal, obeys keys and leaves it as it was", async function () {
    if (process.platform !== "linux" || spawnSync("script", ["--version"]).status !== 0) this.skip();
    const running = start(folder, "shop.mjs");
    await running.printed("ready");
    await running.connect();
    const command = `stty cols 60 rows 20; '${process.execPath}' --disable-warning=ExperimentalWarning '${source}' top --interval 0.2`;
    const terminal = spawn("script", ["-qec", command, "/dev/null"], {
      env: { ...process.env, ...folder.env, TERM: "xterm", NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let seen = "";
    terminal.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      seen += chunk;
    });
    const shows = (what: RegExp) =>
      until(
        String(what),
        () => what.test(seen) || undefined,
        () => seen,
      );
    const ended = new Promise<number | null>((resolve) => terminal.once("close", resolve));
    await shows(/mutex\.lock/);
    assert.ok(seen.startsWith("\u001b[?1049h\u001b[?25l"));
    seen = "";
    terminal.stdin.write("w");
    await shows(/HOLDS UP/);
    seen = "";
    terminal.stdin.write("t/name:nobody\r");
    await shows(/No task is as the filter wants it/);
    terminal.stdin.write("q");
    assert.equal(await ended, 0);
    assert.ok(seen.trimEnd().endsWith("\u001b[?25h\u001b[?1049l"), JSON.stringify(seen.slice(-200)));
    await running.kill();
  });
});
