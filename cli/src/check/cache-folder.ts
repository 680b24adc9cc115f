import { homedir } from "node:os";
import path from "node:path";
import { slashes } from "../paths.ts";

/**
 * Where findings are kept from one run to the next, by the custom of the platform. `UNKNOT_CACHE` names another folder;
 * `0` turns it off.
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const chosen = env["UNKNOT_CACHE"];
  if (chosen === "0") return undefined;
  if (chosen !== undefined && chosen !== "") return slashes(path.resolve(chosen));
  return slashes(path.join(base(env, platform), "unknot", "check"));
}

function base(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === "win32") return env["LOCALAPPDATA"] || path.join(homedir(), "AppData", "Local");
  if (platform === "darwin") return path.join(homedir(), "Library", "Caches");
  const { XDG_CACHE_HOME: folder = "" } = env;
  return path.isAbsolute(folder) ? folder : path.join(homedir(), ".cache");
}
