import {
  type Callback,
  type Instrumentation,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { createHandDown, isObject, positive, prototypeOf } from "../wrappers.ts";

const client: ResourceType = { kind: "event", name: "@redis/client.RedisClient" };
const pool: ResourceType = {
  kind: "pool",
  name: "@redis/client.RedisClientPool",
};

/** Commands that the server answers when something happens, or never. */
const blocking = new Set([
  "BLMOVE",
  "BLMPOP",
  "BLPOP",
  "BRPOP",
  "BRPOPLPUSH",
  "BZMPOP",
  "BZPOPMAX",
  "BZPOPMIN",
  "WAIT",
  "WAITAOF",
  "XREAD",
  "XREADGROUP",
]);

/** Of a pool that was given no other. */
const defaultMaximum = 100;

/**
 * Each client's class gets its commands when a client is made, and all clients connect before they answer: so the
 * commands are wrapped where `connect` is called first. What a program has of a client or pool inherits from the real one,
 * `_self`; what it got first stands for it.
 */
export const instrumentation: Instrumentation = {
  library: "@redis/client",
  alsoFrom: ["redis"],
  exports: ["RedisClient", "RedisClientPool"],
  patch(bindings, probe) {
    const shown = createShown();
    const undos: Undo[] = [];
    const clients = bindings.get("RedisClient");
    const clientPrototype = prototypeOf(clients);
    if (clientPrototype !== undefined && Object.hasOwn(clientPrototype, "connect")) {
      probe.describe(clientPrototype, client);
      undos.push(patchClients(clientPrototype, probe, shown));
    }
    const pools = bindings.get("RedisClientPool");
    const poolPrototype = prototypeOf(pools);
    if (isObject(pools) && poolPrototype !== undefined && Object.hasOwn(poolPrototype, "execute")) {
      probe.describe(poolPrototype, pool);
      undos.push(patchPools(pools, poolPrototype, probe, shown));
    }
    return undoAll(undos);
  },
};

/** The object that a program has of a client or pool, for each of those that inherit from the same one. */
interface Shown {
  add(object: object): void;
  of(object: object): object;
}

function createShown(): Shown {
  const first = new WeakMap<object, object>();
  const realOf = (object: object): object => {
    const real: unknown = (object as { readonly _self?: unknown })._self;
    return isObject(real) ? real : object;
  };
  return {
    add(object) {
      const real = realOf(object);
      if (!first.has(real)) first.set(real, object);
    },
    of: (object) => first.get(realOf(object)) ?? object,
  };
}

function patchClients(prototype: object, probe: Probe, shown: Shown): Undo {
  const undos: Undo[] = [];
  const patched = new WeakSet<object>();
  // A command that a script or a pool sends is part of what was called.
  const waits = (self: object, verb: "io" | "waitEvent") => {
    const operation = probe.begin(shown.of(self), verb);
    return {
      returned: (promise: unknown) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  };
  undos.push(
    wrap(probe, prototype, "connect", (self) => {
      shown.add(self);
      const commands = commandsOf(self, prototype);
      if (commands !== undefined && !patched.has(commands)) {
        patched.add(commands);
        for (const name of commandNames(commands)) {
          const verb = blocking.has(name.toUpperCase()) ? "waitEvent" : "io";
          undos.push(wrap(probe, commands, name, (each) => waits(each, verb)));
        }
      }
      return waits(self, "io");
    }),
  );
  return undoAll(undos);
}

function patchPools(pools: object, prototype: object, probe: Probe, shown: Shown): Undo {
  const undos: Undo[] = [];
  const patched = new WeakSet<object>();
  /** From a command to `execute`. */
  const handDown = createHandDown();
  const asks = (self: object) => probe.begin(shown.of(self), "scoped", { cancellable: true });
  undos.push(
    wrap(probe, pools, "create", (_, [, options]) => ({
      returned(made) {
        if (!isObject(made)) return;
        shown.add(made);
        probe.changed(made, { capacity: positive(ownValue(options, "maximum")) ?? defaultMaximum });
        const commands = commandsOf(made, prototype);
        if (commands === undefined || patched.has(commands)) return;
        patched.add(commands);
        for (const name of commandNames(commands))
          undos.push(wrap(probe, commands, name, (each) => handDown.begin(probe, asks(each))));
      },
    })),
    wrap(probe, prototype, "execute", (self, args) => {
      const [callback] = args;
      if (typeof callback !== "function") return undefined;
      const outer = handDown.take();
      const operation = outer ?? asks(self);
      return {
        args: [probe.callback(operation, callback as Callback, { endsWithCallback: true }), ...args.slice(1)],
        // The promise that the caller gets is the command's.
        ...(outer !== undefined ? {} : { returned: (promise) => probe.promised(operation, promise) }),
        threw: () => probe.released(operation),
      };
    }),
  );
  return undoAll(undos);
}

/** The class between an object and the library's own, which has the commands. */
function commandsOf(object: object, prototype: object): object | undefined {
  let at: object | null = Object.getPrototypeOf(object) as object | null;
  for (let depth = 0; at !== null && depth < 8; depth++) {
    const above = Object.getPrototypeOf(at) as object | null;
    if (above === prototype) return at;
    at = above;
  }
  return undefined;
}

/** What it declares itself as plain methods; modules of commands stand behind getters. */
function commandNames(commands: object): readonly string[] {
  return Object.getOwnPropertyNames(commands).filter(
    (name) => name !== "constructor" && name !== "Multi" && typeof ownValue(commands, name) === "function",
  );
}
