import { createRequire } from "node:module";

/** As a program in this folder would: by `import`, or by `require` what only that finds. */
export const load = (specifier) =>
  import(specifier).catch(() => ({ default: createRequire(import.meta.url)(specifier) }));
