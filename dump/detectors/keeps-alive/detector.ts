import { type SameHandles, sameHandles } from "../../handles.ts";
import { grouped, handleName, placeOf, quoted, shortPlace, siteOf } from "../../names.ts";
import type { Detector, Scene } from "../detector.ts";

/** So long a runner may take to end its process by itself; and to begin another test, where it does not say. */
const patienceMs = { ended: 500, resting: 5000 };
const mostPlaces = 16;

/** What is still open when all tests have run: the process of the test run stays alive because of it. */
export const keepsAlive: Detector = {
  id: "keeps-alive",
  title: "Something keeps a process alive whose tests have all run",
  detect(scene) {
    const { handles, testRun } = scene.dump;
    if (handles === undefined || testRun === undefined || testRun.state === "running") return [];
    if (testRun.sinceMs < patienceMs[testRun.state]) return [];
    return sameHandles(scene.dump).map((group) => problemOf(scene, group));
  },
};

function problemOf({ dump }: Scene, [first, ...others]: SameHandles) {
  const places = first.stack.slice(0, mostPlaces).flatMap((index) => siteOf(dump, index) ?? []);
  const [where] = places;
  const name = handleName(first);
  const facts = [
    ...(where === undefined ? [] : [`created at ${shortPlace(where)}`]),
    ...(first.test === undefined ? [] : [`in the test ${quoted(first.test)}`]),
  ].join(" ");
  const more = others.length === 0 ? "" : ` (and ${grouped(others.length)} more from there)`;
  return {
    id: "keeps-alive",
    verdict: "keeps-alive",
    certainty: dump.testRun?.state === "ended" ? "observed" : "heuristic",
    message: `${name.charAt(0).toUpperCase()}${name.slice(1)}${facts === "" ? "" : `, ${facts},`} keeps the process alive although its tests have run${more}.`,
    tasks: [],
    resources: [],
    at: places.map(placeOf),
  } as const;
}
