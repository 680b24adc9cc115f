import { type Probe, type ResourceType, type Undo, undoAll, wrap } from "../probe.ts";

/** What of `node:stream/web` is looked at. */
interface WebStreams {
  readonly ReadableStream: { readonly prototype: object };
  readonly WritableStream: { readonly prototype: object };
  readonly ReadableStreamDefaultReader: { readonly prototype: object };
  readonly WritableStreamDefaultWriter: { readonly prototype: object };
}

const readable: ResourceType = { kind: "stream", name: "ReadableStream" };
const writable: ResourceType = { kind: "stream", name: "WritableStream" };

/** Who reads and who writes, by what `getReader` and `getWriter` give. A `for await` uses neither. */
export function patchWebStreams(web: WebStreams, probe: Probe): Undo {
  const streams = new WeakMap<object, object>();
  const keeps = (prototype: object, name: string) =>
    wrap(probe, prototype, name, (stream) => ({
      returned(end) {
        if (typeof end === "object" && end !== null) streams.set(end, stream);
      },
    }));
  const waits = (prototype: object, name: string, verb: "receive" | "send") =>
    wrap(probe, prototype, name, (end) => {
      const operation = probe.begin(streams.get(end), verb);
      return {
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    });
  probe.describe(web.ReadableStream.prototype, readable);
  probe.describe(web.WritableStream.prototype, writable);
  return undoAll([
    keeps(web.ReadableStream.prototype, "getReader"),
    keeps(web.WritableStream.prototype, "getWriter"),
    waits(web.ReadableStreamDefaultReader.prototype, "read", "receive"),
    waits(web.WritableStreamDefaultWriter.prototype, "write", "send"),
    patchReady(web.WritableStreamDefaultWriter.prototype, probe, streams),
  ]);
}

/** `await writer.ready` waits until there is room again. */
function patchReady(prototype: object, probe: Probe, streams: WeakMap<object, object>): Undo {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "ready");
  const original = descriptor?.get;
  if (descriptor === undefined || original === undefined) return () => {};
  const accessor = {
    get ready(): unknown {
      const promise: unknown = Reflect.apply(original, this, []);
      probe.guard(() => {
        const { desiredSize } = this as { readonly desiredSize?: unknown };
        // Else it was settled long ago, and nothing tells when that was.
        if (typeof desiredSize !== "number" || desiredSize > 0) return;
        probe.promised(probe.begin(streams.get(this), "waitEvent"), promise);
      });
      return promise;
    },
  };
  const get = Object.getOwnPropertyDescriptor(accessor, "ready")?.get;
  if (get === undefined) return () => {};
  probe.replaces(get, original);
  Object.defineProperty(prototype, "ready", { ...descriptor, get });
  return () => Object.defineProperty(prototype, "ready", descriptor);
}
