// Preloaded: OpenTelemetry with all its instrumentations, and its loader hooks for modules.
const { register } = require("node:module");
const { pathToFileURL } = require("node:url");
const { writeSync } = require("node:fs");
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { getNodeAutoInstrumentations } = require("@opentelemetry/auto-instrumentations-node");

register("@opentelemetry/instrumentation/hook.mjs", pathToFileURL(__filename));
const names = new Set();
const processor = {
  onStart: () => {},
  onEnd: (span) => void names.add(span.name.replace(/\d{4,}/g, "N")),
  forceFlush: async () => {},
  shutdown: async () => {},
};
new NodeSDK({ instrumentations: [getNodeAutoInstrumentations()], spanProcessors: [processor] }).start();
process.on("exit", () => writeSync(1, `spans: ${[...names].sort().join()}\n`));
