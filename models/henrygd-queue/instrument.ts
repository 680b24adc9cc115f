import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

/** `all` goes through `add`. */
export const instrumentation = fromModel("@henrygd/queue", model);
