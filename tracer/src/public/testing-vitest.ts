// What the plugin adds to vitest's setup files.
import { afterEach, beforeEach } from "vitest";
import { expectNoTasks, forget } from "./testing.ts";

beforeEach(() => forget());
afterEach(() => expectNoTasks());
