import { fromModel } from "../from-model.ts";
import { positive } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

interface Inside {
  readonly bufferCapacity?: unknown;
  readonly bufferSize?: unknown;
  readonly _senders?: { readonly length: number };
}

const channel = {
  capacity: (object: object) => (object as Inside).bufferCapacity,
  length: (object: object) => (object as Inside).bufferSize,
  isReady: (object: object) => {
    const { bufferSize, _senders } = object as Inside;
    return positive(bufferSize) !== undefined || positive(_senders?.length) !== undefined;
  },
};

/** Awaiting a channel, and iterating over it, goes through `get`. */
export const instrumentation = fromModel("async-channel", model, {
  types: { BaseChannel: channel, Channel: channel },
});
