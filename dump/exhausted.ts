import type { Resource } from "@unknot/protocol/resource.ts";

/** Whether nothing of a pool is free while somebody waits for it. */
export function isExhausted({ kind, capacity, holders, waiters }: Resource): boolean {
  const taken = holders.reduce((sum, { amount }) => sum + amount, 0);
  return kind === "pool" && capacity !== undefined && taken >= capacity && waiters.length > 0;
}
