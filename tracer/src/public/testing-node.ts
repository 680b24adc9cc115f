// `node --import unknot/testing/node --test`: traces the tests, and fails each that leaves tasks behind.
import "./register-here.ts";
import { afterEach, beforeEach } from "node:test";
import { expectNoTasks, forget } from "./testing.ts";

beforeEach(() => forget());
afterEach(() => expectNoTasks());
