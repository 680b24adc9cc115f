import assert from "node:assert/strict";
import type { TaskListRequest, TaskPage } from "@unknot/protocol/task-list.ts";
import type { Session } from "../../sessions/session.ts";
import { createPages } from "./pages.ts";

const below = {
  session: "s1",
  level: "s1 tasks",
  request: { filter: "", by: "flat", order: "problem" },
} as const;

/** A session that answers with pages of as many tasks as it was asked for, until it is gone. */
function answering() {
  const asked: TaskListRequest[] = [];
  const state = { gone: false };
  const session = {
    async ask(_: "list", request: TaskListRequest): Promise<TaskPage | undefined> {
      if (state.gone) return undefined;
      asked.push(request);
      return { matching: request.limit } as TaskPage;
    },
  } as unknown as Session;
  const pages = createPages({ session: (id) => (id === "s1" ? session : undefined) });
  return { asked, state, pages };
}

describe("the pages of lists", () => {
  it("are asked for once per overview, however often a tree is drawn", async () => {
    const { asked, pages } = answering();
    await Promise.all([pages.page(below, 1), pages.page(below, 1)]);
    assert.equal(asked.length, 1);
    await pages.page(below, 2);
    assert.equal(asked.length, 2);
    await pages.page({ ...below, request: { ...below.request, filter: "a" } }, 2);
    assert.equal(asked.length, 3);
  });

  it("grow when more is asked for, to a bound", async () => {
    const { pages } = answering();
    assert.equal((await pages.page(below, 1))?.matching, 200);
    pages.showMore(below.level);
    assert.equal((await pages.page(below, 1))?.matching, 400);
    for (let more = 0; more < 100; more++) pages.showMore(below.level);
    assert.equal((await pages.page(below, 1))?.matching, 5000);
  });

  it("stay what they were when nobody can be asked any more, unless something else is asked", async () => {
    const { state, pages } = answering();
    const page = await pages.page(below, 1);
    state.gone = true;
    assert.equal(await pages.page(below, 2), page);
    assert.equal(await pages.page(below, 3), page);
    assert.equal(await pages.page({ ...below, request: { ...below.request, filter: "a" } }, 3), undefined);
    assert.equal(await pages.page({ ...below, session: "s2" }, 3), undefined);
  });

  it("are forgotten with their session", async () => {
    const { state, pages } = answering();
    pages.showMore(below.level);
    await pages.page(below, 1);
    state.gone = true;
    pages.keepOnly(() => false);
    assert.equal(await pages.page(below, 2), undefined);
    state.gone = false;
    assert.equal((await pages.page(below, 3))?.matching, 200);
  });
});
