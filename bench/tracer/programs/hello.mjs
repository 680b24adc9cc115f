// Nothing: what it costs to start.
import { report } from "./report.mjs";

await report(async () => {}, { fromStart: true });
