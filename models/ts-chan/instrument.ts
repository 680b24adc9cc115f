import {
  type Instrumentation,
  type Operation,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";

interface ChanLike {
  readonly capacity: number;
  readonly length: number;
  [Symbol.asyncIterator](): AsyncIterator<unknown>;
}

const type: ResourceType = {
  kind: "channel",
  name: "ts-chan.Chan",
  capacity: (channel) => (channel as ChanLike).capacity,
};

/** The `next` of the channel's async iterator calls `recv` at once; its own promise is the one that is waited for. */
let begun: Operation | undefined;

export const instrumentation: Instrumentation = {
  library: "ts-chan",
  exports: ["Chan", "Select"],
  patch(bindings, probe) {
    const undos: Undo[] = [];
    const Chan = bindings.get("Chan");
    const Select = bindings.get("Select");
    if (typeof Chan === "function") undos.push(patchChan(Chan as new () => ChanLike, probe));
    if (typeof Select === "function") {
      undos.push(
        wrap(probe, (Select as { prototype: object }).prototype, "wait", (_, [signal]) => {
          const operation = probe.begin(undefined, "select", { cancellable: signal !== undefined });
          return {
            returned: (promise) => probe.promised(operation, promise),
            threw: () => probe.released(operation),
          };
        }),
      );
    }
    return undoAll(undos);
  },
};

function patchChan(Chan: new () => ChanLike, probe: Probe): Undo {
  const { prototype } = Chan as unknown as { prototype: object };
  probe.describe(prototype, type);
  const iterator = probe.guard(() => Object.getPrototypeOf(new Chan()[Symbol.asyncIterator]()) as object);
  return undoAll([
    wrap(probe, prototype, "send", (channel, [, signal]) => {
      const operation = probe.begin(channel, "send", { cancellable: signal !== undefined });
      return {
        returned(promise) {
          noteLength(probe, channel);
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "recv", (channel, [signal]) => {
      if (begun !== undefined) {
        // The iterator's own signal does not count.
        begun = undefined;
        return { returned: () => noteLength(probe, channel) };
      }
      const operation = probe.begin(channel, "receive", { cancellable: signal !== undefined });
      return {
        returned(promise) {
          noteLength(probe, channel);
          probe.promised(operation, promise);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "close", (channel) => ({
      returned: () => probe.changed(channel, { closed: true }),
    })),
    wrap(probe, prototype, Symbol.asyncIterator, (channel) => ({
      returned(result) {
        if (typeof result === "object" && result !== null) channelOf.set(result, channel);
      },
    })),
    iterator === undefined || iterator === null ? () => {} : patchIterator(iterator, probe),
  ]);
}

const channelOf = new WeakMap<object, object>();

function patchIterator(prototype: object, probe: Probe): Undo {
  return wrap(probe, prototype, "next", (self) => {
    const channel = channelOf.get(self);
    if (channel === undefined) return undefined;
    const operation = probe.begin(channel, "receive");
    begun = operation;
    return {
      returned(promise) {
        begun = undefined;
        probe.promised(operation, promise);
      },
      threw() {
        begun = undefined;
        probe.released(operation);
      },
    };
  });
}

function noteLength(probe: Probe, channel: object): void {
  probe.changed(channel, { length: (channel as ChanLike).length });
}
