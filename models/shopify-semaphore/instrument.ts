import { fromModel, type Patching } from "../from-model.ts";
import { type Undo, wrap } from "../probe.ts";
import { createHandOver, isObject, positive, prototypeOf } from "../wrappers.ts";
import model from "./model.json" with { type: "json" };

/** A permit is made right before it is granted, and is what gives back. */
export const instrumentation = fromModel("@shopify/semaphore", model, {
  exports: ["Permit"],
  types: {
    Semaphore: {
      capacity: (semaphore) =>
        positive((semaphore as { readonly availablePermits?: unknown }).availablePermits),
      except: ["acquire"],
    },
  },
  others: ({ bindings, probe }: Patching): readonly Undo[] => {
    const semaphore = prototypeOf(bindings.get("Semaphore"));
    const permit = prototypeOf(bindings.get("Permit"));
    if (semaphore === undefined || permit === undefined) return [];
    const permits = createHandOver(probe);
    return [
      wrap(probe, semaphore, "acquire", (self) => permits.ask(self)),
      wrap(probe, semaphore, "createPermit", () => ({
        returned(made) {
          if (isObject(made)) permits.made(made);
        },
      })),
      wrap(probe, permit, "release", (self) => void permits.gaveBack(self)),
    ];
  },
});
