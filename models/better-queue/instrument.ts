import {
  type Callback,
  type Instrumentation,
  type Operation,
  ownValue,
  type Probe,
  type ResourceType,
  type Undo,
  undoAll,
  wrap,
} from "../probe.ts";
import { isObject, positive, prototypeOf } from "../wrappers.ts";

const type: ResourceType = {
  kind: "queue",
  name: "better-queue",
  capacity: (queue) => positive((queue as { readonly concurrent?: unknown }).concurrent),
};

/** What was pushed, by the ticket that pushing gave: it is told how it goes. */
const pushed = new WeakMap<object, Operation>();

/** What the workers hold, until they have ended. */
const running = new WeakMap<object, Operation>();

/** What the batch is about that is started now, and of which queue. */
let starting: { readonly queue: object; readonly asked: readonly Operation[] } | undefined;

/**
 * A worker is made for each batch of tasks and calls the function that works, which says by a callback that it is done.
 * Tasks wait for it; what was pushed with others into one batch waits no longer.
 */
export const instrumentation: Instrumentation = {
  library: "better-queue",
  exports: ["Queue", "Worker", "Ticket"],
  patch(bindings, probe) {
    const [queue, worker, ticket] = ["Queue", "Worker", "Ticket"].map((name) =>
      prototypeOf(bindings.get(name)),
    );
    return undoAll([
      ...(queue === undefined ? [] : patchQueue(queue, probe)),
      ...(worker === undefined ? [] : patchWorker(worker, probe)),
      ...(ticket === undefined ? [] : ["failed", "finish"].map((name) => endsTask(ticket, name, probe))),
    ]);
  },
};

function patchQueue(prototype: object, probe: Probe): readonly Undo[] {
  probe.describe(prototype, type);
  return [
    wrap(probe, prototype, "push", (queue, [, callback]) => {
      // Pushed before the store was there, and now once more with the ticket that was given then.
      if (isObject(callback) && pushed.has(callback)) return undefined;
      const operation = probe.begin(queue, "submit");
      return {
        returned(ticket) {
          // What is refused at once has been told by now.
          const isOver = !isObject(ticket) || ownValue(ticket, "isFinished") === true;
          if (isOver) probe.released(operation);
          else pushed.set(ticket, operation);
        },
        threw: () => probe.released(operation),
      };
    }),
    wrap(probe, prototype, "_startBatch", (queue, [, tickets]) => {
      starting = { queue, asked: operationsOf(tickets) };
      const over = () => {
        starting = undefined;
      };
      return { returned: over, threw: over };
    }),
    wrap(probe, prototype, "cancel", (queue, [id]) => {
      const tickets = ownValue(ownValue(queue, "_tickets"), String(id));
      for (const operation of operationsOf({ tickets })) probe.released(operation);
      return undefined;
    }),
    wrap(probe, prototype, "destroy", (queue) => ({ returned: () => probe.dropped(queue) })),
  ];
}

function patchWorker(prototype: object, probe: Probe): readonly Undo[] {
  return [
    wrap(probe, prototype, "start", (worker) => {
      const work = ownValue(worker, "fn");
      if (starting === undefined || typeof work !== "function") return undefined;
      const { queue, asked } = starting;
      starting = undefined;
      const [first = probe.begin(queue, "submit"), ...others] = asked.filter((each) => probe.isPending(each));
      for (const other of others) probe.released(other);
      running.set(worker, first);
      const restore = () => void Object.assign(worker, { fn: work });
      Object.assign(worker, { fn: probe.callback(first, work as Callback, { endsWithCallback: false }) });
      return { returned: restore, threw: restore };
    }),
    wrap(probe, prototype, "end", (worker) => {
      probe.released(running.get(worker) ?? 0);
      return undefined;
    }),
  ];
}

/** A task that was refused or merged, or whose worker has ended. */
function endsTask(prototype: object, name: string, probe: Probe): Undo {
  return wrap(probe, prototype, name, (ticket) => {
    probe.released(pushed.get(ticket) ?? 0);
    return undefined;
  });
}

function operationsOf(tickets: unknown): readonly Operation[] {
  if (!isObject(tickets)) return [];
  return Object.keys(tickets).flatMap((id) => {
    const list = ownValue(ownValue(tickets, id), "tickets");
    return Array.isArray(list) ? list.flatMap((ticket: object) => pushed.get(ticket) ?? []) : [];
  });
}
