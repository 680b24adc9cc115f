// Loaded by `npm test`: property tests take the same cases in every run, so that a failure is the change's.
// UNKNOT_SEED takes others; a test file that is run alone takes others each time.
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.UNKNOT_SEED ?? 20261123) });
