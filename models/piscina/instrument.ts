import { workerPool } from "../work.ts";

export const instrumentation = workerPool("piscina", "Piscina", "piscina");
