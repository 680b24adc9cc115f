import { defineRule } from "../../analysis/analyzer.ts";
import { privateLocks } from "../../passes/private-locks.ts";

export const lockPerCall = defineRule({
  id: "lock-per-call",
  title: "A lock keeps nobody out, because others have another one",
  severity: "warning",
  requires: [privateLocks],
  run(pass) {
    for (const found of pass.resultOf(privateLocks)) {
      const { lock, at, trace, fixes } = found;
      const message =
        found.how === "made"
          ? `Every call of '${found.function}' makes a '${lock}' of its own, so it keeps no other call out.`
          : `'${lock}' leaves '${found.collection}' while others may wait for it, so the next call makes another and runs beside them.`;
      pass.report({ at, message, trace, fixes });
    }
  },
});
