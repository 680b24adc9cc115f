// A dump says which build ran and what its files were, so that whoever reads it elsewhere knows whether his are the same.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unknot } from "../cli/unknot.ts";
import { programFolder, reading, start } from "./kit.ts";

const program = `async function waits(): Promise<void> {
  await new Promise(() => {});
}
void waits();
console.log("ready");
setInterval(() => {}, 1000);
`;

const compiled = `async function waits() {
    await new Promise(() => { });
}
void waits();
console.log("ready");
setInterval(() => { }, 1000);
//# sourceMappingURL=made.js.map
`;
const map = JSON.stringify({
  version: 3,
  file: "made.js",
  sources: ["../src/made.ts"],
  names: [],
  mappings: "AAAA;IACE,MAAM,IAAI,OAAO;AACnB;AACA,KAAK,KAAK,EAAE;AACZ;AACA",
});

describe("a dump that is read elsewhere", () => {
  const folder = programFolder({
    "srv/src/main.ts": program,
    "srv/dist/made.mjs": compiled.replaceAll("made.js", "made.mjs"),
    "srv/dist/made.mjs.map": map,
    "srv/src/made.ts": program,
  });
  const dumpOf = async (file: string, env: NodeJS.ProcessEnv = {}) => {
    const running = start(folder, file, { env, cwd: path.dirname(folder.file(file)) });
    await running.printed("ready");
    return (await running.connect()).dumpWhen(
      "a waiting task",
      (dump) => reading(dump).all("waits").length === 1,
    );
  };

  it("names the build that it is told, else the commit", async () => {
    assert.equal((await dumpOf("srv/src/main.ts", { UNKNOT_BUILD: "shop 4.2" })).process.build, "shop 4.2");
    const git = (...args: string[]) =>
      execFileSync("git", args, {
        cwd: folder.file("srv"),
        encoding: "utf8",
        env: { ...process.env, HOME: folder.path },
      });
    git("init", "--quiet");
    git(
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@example.com",
      "commit",
      "--quiet",
      "--allow-empty",
      "-m",
      "first",
    );
    const head = git("rev-parse", "HEAD").trim();
    assert.equal((await dumpOf("srv/src/main.ts")).process.build, `commit ${head.slice(0, 12)}`);
    git("pack-refs", "--all");
    assert.equal((await dumpOf("srv/src/main.ts")).process.build, `commit ${head.slice(0, 12)}`);
  });

  for (const [what, file] of [
    ["a file", "srv/src/main.ts"],
    ["what a file was made from", "srv/dist/made.mjs"],
  ] as const) {
    it(`tells by the content of ${what} whether it is still the same, after a move, too`, async () => {
      const dump = await dumpOf(file);
      const original = folder.file(file.replace("dist/made.mjs", "src/made.ts"));
      assert.deepEqual(
        dump.sources?.map((each) => each.file),
        [original],
      );
      const work = folder.file(`work-${path.basename(file)}`);
      mkdirSync(work);
      cpSync(folder.file("srv/src"), path.join(work, "src"), { recursive: true });
      const saved = path.join(work, "dump.json");
      // As if it came from another machine.
      writeFileSync(saved, JSON.stringify(dump).replaceAll(folder.file("srv"), "/elsewhere/srv"));
      const read = (...args: string[]) => unknot(["dump", saved, ...args], { cwd: work });

      const lost = await read();
      assert.match(lost.stderr, /^None of the files of this dump is here: --map .* says where to look\.\n$/);
      assert.match(lost.stdout, /\t\/elsewhere\/srv\/src\/\w+\.ts:2:/);
      const found = await read("--map", "/elsewhere/srv=.");
      assert.deepEqual([found.code, found.stderr], [0, ""]);
      assert.ok(found.stdout.includes(`\t${path.join(work, "src", path.basename(original))}:2:`));
      // Line ends differ between systems, not in what they mean.
      const copy = path.join(work, "src", path.basename(original));
      writeFileSync(copy, `\ufeff${program.replaceAll("\n", "\r\n")}`);
      assert.equal((await read("--map", "/elsewhere/srv=.")).stderr, "");
      writeFileSync(copy, `// new\n${program}`);
      const changed = await read("--map", "/elsewhere/srv=.");
      assert.equal(
        changed.stderr,
        `src/${path.basename(original)} is not what ran: lines may be elsewhere.\n`,
      );
    });
  }

  it("takes only pairs of folders", async () => {
    const { code, stderr } = await unknot(["dump", "x", "--map", "/srv"]);
    assert.equal(code, 2);
    assert.match(stderr, /Name two folders: --map \/srv\/app=\/home\/me\/app\./);
  });
});
