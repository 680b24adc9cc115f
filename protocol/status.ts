/** A notification of the language server: what it is doing, whenever that changes. docs/protocol.md describes it. */
export const statusNotification = "unknot/status";

export interface ServerStatus {
  /** `limited`: it works, but part of a project can't be read. `stopped`: there are no findings until something changes. */
  readonly state: "ready" | "busy" | "limited" | "stopped";
  /** For `limited` and `stopped`: one sentence that names the remedy. */
  readonly message?: string;
}
