import { tmpdir, userInfo } from "node:os";
import path from "node:path";

/** The folder in which traced threads register, for this user only; docs/protocol.md says how it is found. */
export function runtimeFolder(): string {
  return path.join(tmpdir(), `unknot-${userInfo().uid}`);
}
