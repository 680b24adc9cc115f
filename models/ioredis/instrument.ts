import { type Instrumentation, ownValue, type ResourceType, wrap } from "../probe.ts";
import { prototypeOf } from "../wrappers.ts";

const type: ResourceType = { kind: "event", name: "ioredis.Redis" };

/** Commands that the server answers when something happens, or never. */
const blocking = new Set([
  "blmove",
  "blmpop",
  "blpop",
  "brpop",
  "brpoplpush",
  "bzmpop",
  "bzpopmax",
  "bzpopmin",
  "wait",
  "xread",
  "xreadgroup",
]);

/** Every command goes through `sendCommand`, and its promise is the one that the caller gets. */
export const instrumentation: Instrumentation = {
  library: "ioredis",
  exports: ["Redis"],
  patch(bindings, probe) {
    const prototype = prototypeOf(bindings.get("Redis"));
    if (prototype === undefined || !Object.hasOwn(prototype, "sendCommand")) return () => {};
    probe.describe(prototype, type);
    return wrap(probe, prototype, "sendCommand", (connection, [command]) => {
      const name = ownValue(command, "name");
      const operation = probe.begin(
        connection,
        typeof name === "string" && blocking.has(name) ? "waitEvent" : "io",
      );
      return {
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    });
  },
};
