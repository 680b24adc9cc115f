// What the runner for jest adds to its setup files: it runs in the realm of each file of tests.
import { createRequire } from "node:module";
import { expectNoTasks, forget } from "./testing.ts";

interface Hooks {
  beforeEach(hook: () => void): void;
  afterEach(hook: () => Promise<void>): void;
}

const given = globalThis as Partial<Hooks>;
const { beforeEach, afterEach } =
  given.afterEach === undefined ? (createRequire(__filename)("@jest/globals") as Hooks) : (given as Hooks);

beforeEach(() => forget());
afterEach(() => expectNoTasks());
