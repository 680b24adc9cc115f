import {
  firstRow,
  flagScoped,
  headNextRow,
  rowAsker,
  rowFlags,
  rowJobRow,
  rowJobSeq,
  rowJoinerRow,
  rowJoinerSeq,
  rowParent,
  rowResource,
  rowSeqLow,
  rowState,
  rowWaitRow,
  rowWaitSeq,
  rowWords,
  segmentMask,
  segmentShift,
  stateFree,
  stateJoinAll,
  stateJoinAny,
  stateOpHolding,
  stateOpWaiting,
  stateReturning,
  stateWaiting,
} from "../layout.ts";
import type { Tables } from "../tables.ts";

/**
 * Whether there may be a deadlock: some holder waits in turn for something that somebody else holds, or tasks await one
 * another in a ring. A quick look at the words of the tables, so that the whole graph is only built when it is worth it.
 */
export function mayBeDeadlocked(tables: Tables): boolean {
  const { header, rows } = tables;
  const end = header[headNextRow] as number;
  const get = (row: number, word: number): number =>
    rows[row >>> segmentShift]?.[(row & segmentMask) * rowWords + word] ?? 0;
  const isTenant = (row: number, seqLow: number) =>
    row >= firstRow && row < end && get(row, rowState) !== stateFree && get(row, rowSeqLow) === seqLow;

  const wanted = new Set<number>();
  const holding: number[] = [];
  const members = new Map<number, number[]>();
  for (let row = firstRow; row < end; row++) {
    const state = get(row, rowState);
    if (state === stateOpWaiting) wanted.add(get(row, rowResource));
    else if (state === stateOpHolding) holding.push(row);
    const joiner = get(row, rowJoinerRow);
    if (state !== stateFree && joiner !== 0 && isTenant(joiner, get(joiner, rowSeqLow))) {
      const joinerState = get(joiner, rowState);
      if (
        joinerState >= stateJoinAll &&
        joinerState <= stateJoinAny &&
        get(joiner, rowSeqLow) === get(row, rowJoinerSeq)
      ) {
        const list = members.get(joiner);
        if (list === undefined) members.set(joiner, [row]);
        else list.push(row);
      }
    }
  }

  const seen = new Int32Array(end);
  let round = 0;
  /** Whether what a row waits for leads to an operation that waits. */
  const leadsOn = (start: number): boolean => {
    const stack = [start];
    round++;
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (row < firstRow || row >= end) continue;
      const state = get(row, rowState);
      if (state === stateOpWaiting) return true;
      if (seen[row] === round) continue;
      seen[row] = round;
      if (state === stateOpHolding) {
        const job = get(row, rowJobRow);
        if (isTenant(job, get(row, rowJobSeq))) stack.push(job);
      } else if (state === stateWaiting || state === stateReturning) {
        const target = get(row, rowWaitRow);
        if (isTenant(target, get(row, rowWaitSeq))) stack.push(target);
      } else for (const member of members.get(row) ?? []) stack.push(member);
    }
    return false;
  };

  for (const operation of holding) {
    if (!wanted.has(get(operation, rowResource))) continue;
    const scoped = (get(operation, rowFlags) & flagScoped) !== 0;
    const holder = scoped ? operation : get(operation, rowAsker);
    if (!scoped && !isTenant(holder, get(operation, rowParent))) continue;
    if (leadsOn(holder)) return true;
  }
  return hasRing(end, get, isTenant);
}

/** Whether tasks await one another in a ring. Each awaits one at most, so one pass with two colours finds it. */
function hasRing(
  end: number,
  get: (row: number, word: number) => number,
  isTenant: (row: number, seqLow: number) => boolean,
): boolean {
  const colour = new Int32Array(end);
  let round = 0;
  for (let start = firstRow; start < end; start++) {
    round++;
    for (let row = start; ; ) {
      const state = get(row, rowState);
      if (state !== stateWaiting && state !== stateReturning) break;
      if (colour[row] === round) return true;
      if (colour[row] !== 0) break;
      colour[row] = round;
      const target = get(row, rowWaitRow);
      if (!isTenant(target, get(row, rowWaitSeq))) break;
      row = target;
    }
  }
  return false;
}
