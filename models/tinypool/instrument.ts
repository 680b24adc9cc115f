import { workerPool } from "../work.ts";

export const instrumentation = workerPool("tinypool", "Tinypool", "tinypool");
