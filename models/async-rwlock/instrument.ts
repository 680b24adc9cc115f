import { fromModel } from "../from-model.ts";
import model from "./model.json" with { type: "json" };

/** One method gives back for readers and writers. */
export const instrumentation = fromModel("async-rwlock", model);
