import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

const length = (channel: object) => (channel as { readonly readableLength?: unknown }).readableLength;

/** What can be iterated over is its own iterator. */
export const instrumentation = fromModel("it-pushable", model, {
  types: { Pushable: { length }, PushableV: { length } },
});
