import assert from "node:assert/strict";
import { homedir } from "node:os";
import { cacheFolder } from "./cache-folder.ts";

describe("the cache folder", () => {
  it("is the platform's, unless a variable names another or none", () => {
    if (process.platform === "win32") return;
    const cases: readonly (readonly [NodeJS.ProcessEnv, NodeJS.Platform, string | undefined])[] = [
      [{ XDG_CACHE_HOME: "/caches" }, "linux", "/caches/unknot/check"],
      [{ XDG_CACHE_HOME: "relative" }, "linux", `${homedir()}/.cache/unknot/check`],
      [{}, "linux", `${homedir()}/.cache/unknot/check`],
      [{}, "darwin", `${homedir()}/Library/Caches/unknot/check`],
      [{ UNKNOT_CACHE: "/own" }, "linux", "/own"],
      [{ UNKNOT_CACHE: "0" }, "linux", undefined],
    ];
    for (const [env, platform, expected] of cases) assert.equal(cacheFolder(env, platform), expected);
  });
});
