// A set-up traces what is loaded after it, whether or not the tracer was preloaded.
import { createRequire } from "node:module";
import { tracerHere } from "./tracer-here.ts";

if (tracerHere() === undefined) createRequire(__filename)("./register.cjs");
