// `mocha --require unknot/testing/mocha`: traces the tests, and fails each that leaves tasks behind.
import "./register-here.ts";
import { expectNoTasks, forget } from "./testing.ts";

export const mochaHooks = {
  beforeEach(): void {
    forget();
  },
  afterEach(): Promise<void> {
    return expectNoTasks();
  },
};
