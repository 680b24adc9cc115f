import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

/** Who waits in `push` is not seen: the function is made inside, for the executor alone. */
export const instrumentation = fromModel("@repeaterjs/repeater", model);
