/** Vitest itself is the program's. */
declare module "vitest" {
  export function beforeEach(hook: () => void): void;
  export function afterEach(hook: () => Promise<void>): void;
}
