// Its agent is not there: it tries in vain to send, as in a container without one.
process.env.DD_TRACE_AGENT_URL = "http://127.0.0.1:9";
process.env.DD_INSTRUMENTATION_TELEMETRY_ENABLED = "false";
process.env.DD_TRACE_STARTUP_LOGS = "false";
process.env.DD_REMOTE_CONFIGURATION_ENABLED = "false";
require("dd-trace").init();
