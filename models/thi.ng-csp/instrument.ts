import { fromModel } from "../from-model.ts";
import { wrapFunction } from "../probe.ts";
import { replaceExport } from "../wrappers.ts";
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
  others: ({ bindings, probe }) => [
    replaceExport(bindings, "select", (select) =>
      wrapFunction(probe, select, () => {
        const operation = probe.begin(undefined, "select");
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      }),
    ),
  ],
});
