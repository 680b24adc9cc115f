import { fromModel, type Patching } from "../from-model.ts";
import { type Callback, type Operation, type Undo, wrap } from "../probe.ts";
import { prototypeOf } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

/**
 * What releases is what resolves a promise that was made for the hold: during the call of `lock`, and by a
 * reader-writer lock right before it grants, in a section of the lock inside it.
 */
export const instrumentation = fromModel("@rocicorp/lock", model, {
  types: { Lock: { heldUntilMade: true }, RWLock: { except: ["read", "write"] } },
  others: ({ bindings, probe, outermost }: Patching): readonly Undo[] => {
    const lock = prototypeOf(bindings.get("Lock"));
    const rwLock = prototypeOf(bindings.get("RWLock"));
    if (lock === undefined || rwLock === undefined) return [];
    /** What was asked for by the method that runs, for the section that it enters at once. */
    let begun: Operation | undefined;
    const ask = (name: string, shared: boolean) =>
      wrap(probe, rwLock, name, (self) => {
        if (outermost.busy) return undefined;
        const operation = probe.begin(self, "acquire", { shared });
        outermost.busy = true;
        begun = operation;
        const over = () => {
          outermost.busy = false;
          begun = undefined;
        };
        return {
          returned(promise) {
            over();
            probe.promised(operation, promise);
          },
          threw() {
            over();
            probe.released(operation);
          },
        };
      });
    return [
      ask("read", true),
      ask("write", false),
      wrap(probe, lock, "withLock", (_, [section]) => {
        const operation = begun;
        if (operation === undefined || typeof section !== "function") return undefined;
        begun = undefined;
        const { inside } = {
          inside(this: unknown, ...args: unknown[]): unknown {
            const promise: unknown = Reflect.apply(section as Callback, this, args);
            probe.grantedBy(operation, promise, () => {
              probe.heldUntilMade(operation);
              return true;
            });
            return promise;
          },
        };
        return { args: [inside] };
      }),
    ];
  },
});
