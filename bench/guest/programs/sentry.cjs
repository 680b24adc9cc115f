// Preloaded: Sentry with tracing; what it would send is looked at and dropped.
const { writeSync } = require("node:fs");
const Sentry = require("@sentry/node");

const kinds = new Set();
Sentry.init({
  dsn: "https://key@127.0.0.1/1",
  tracesSampleRate: 1,
  traceLifecycle: "static",
  beforeSend(event) {
    kinds.add(`event ${event.exception?.values?.[0]?.type}`);
    return null;
  },
  beforeSendTransaction(event) {
    kinds.add(`transaction ${event.transaction}`);
    return null;
  },
});
process.on("exit", () => writeSync(1, `seen: ${[...kinds].sort().join()}\n`));
