/** The global under which transformed code, and modules that programs import, find the tracer of their thread. */
export const hooksName = "__unknot__";
