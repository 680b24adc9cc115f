import { fromModel } from "../from-model.ts";
import { type Callback, wrapFunction } from "../probe.ts";
import model from "./model.json" with { type: "json" };

interface Buffered {
  readonly writes?: { readonly buf?: { readonly length?: unknown }; readonly length?: unknown };
}

/** A buffer of another class than the usual one may not tell how much fits. `select` races any number of channels. */
export const instrumentation = fromModel("@thi.ng/csp", model, {
  types: {
    Channel: {
      capacity: (channel) => (channel as Buffered).writes?.buf?.length,
      length: (channel) => (channel as Buffered).writes?.length,
    },
  },
  exports: ["select"],
  others: ({ bindings, probe }) => {
    const select = bindings.get("select");
    if (typeof select !== "function") return [];
    const wrapped = wrapFunction(probe, select as Callback, () => {
      const operation = probe.begin(undefined, "select");
      return {
        returned: (promise) => probe.promised(operation, promise),
        threw: () => probe.released(operation),
      };
    });
    return bindings.replace("select", wrapped) ? [() => void bindings.replace("select", select)] : [];
  },
});
