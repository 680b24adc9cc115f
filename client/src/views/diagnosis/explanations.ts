import type { Certainty, Verdict } from "@unknot/protocol/verdict.ts";

/** What a verdict means and where to look, for those who see it for the first time. */
export const explanations: Readonly<Record<Verdict, string>> = {
  deadlock:
    "Each of these tasks waits for something that the next one holds, so none of them can ever go on. Take the locks in the same order everywhere, or take one after the other has been given back.",
  "exit-pending":
    "The event loop ran empty while tasks still waited: nothing was left that could wake them. Look at what they wait for; whoever should have settled it is gone.",
  "cannot-resume":
    "The task waits for a promise that nothing can settle any more, because nothing refers to what would do it. Its 'finally' blocks never run, and what it holds is never given back.",
  "waits-on-dead": "The task waits for another one that can never go on. Look at that one first.",
  "long-wait":
    "The task has waited for much longer than others do, or more and more tasks wait at its place. That is no proof: look at who holds what it waits for.",
  "not-awaited":
    "The task has failed and nothing looks at its result, so the failure is lost or ends the process. Await it, or handle its failure.",
  "owner-gone":
    "A task has ended and has not given back what it holds, so those who wait for it wait for ever. Give it back in a 'finally' block.",
  "over-release":
    "More was given back than had been taken, so more tasks may be inside at once than were meant to be. Look for a release that runs twice.",
  "lost-update":
    "A value was read, the task waited, and what it stored then was worked out from the old value, so what others had stored in between is gone. Read again after the await, add the difference in one step, or take a lock around both.",
  "pool-exhausted":
    "All clients, permits or slots are taken while tasks wait for one. Look at the oldest holders: what do they wait for, and do they give back when they fail?",
  "loop-blocked":
    "Synchronous code runs and lets no other task have its turn. Break it up, or move it to a worker thread.",
  "keeps-alive":
    "A timer, a socket, a server or another handle is still open and keeps the process alive. Close it when the work is done.",
};

/** How far a verdict can be trusted. */
export const certainties: Readonly<Record<Certainty, string>> = {
  proved: "It is proved: it holds whatever else the program does.",
  observed: "It was observed, at the moment of the dump.",
  may: "It is not certain: code that Unknot does not see may end it.",
  heuristic: "It is likely and not certain.",
};
