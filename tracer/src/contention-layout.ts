// The table of waits and holds in the memory that the traced thread writes and the worker reads.

/** Entries of the table: 86 KB, of which a program touches what it needs. */
export const mostEntries = 1024;
export const mostFrames = 8;
/** Words before the first entry. */
export const headEntries = 0;
export const headLost = 1;
export const firstEntry = 2;
// An entry: what it is about, by which it is found again, and its sums.
export const entryKind = 0;
export const entryState = 1;
export const entryType = 2;
export const entryCreated = 3;
export const entryTaken = 4;
export const entryDepth = 5;
export const entryFrames = 6;
export const keyWords = entryFrames + mostFrames;
export const entryCount = entryFrames + mostFrames;
export const entryTotal = keyWords + 1;
export const entryLongest = keyWords + 3;
export const entryContended = keyWords + 4;
export const entryDelay = keyWords + 5;
export const entryWords = keyWords + 7;

export const kindWait = 1;
export const kindHold = 2;

export const contentionWords = firstEntry + mostEntries * entryWords;

/** Sums are two words: steps beyond this number are carried into the second. */
export const carry = 2 ** 30;
/** What a hold has delayed is divided among those who hold together, so it is counted in parts of a tick. */
export const delayParts = 256;
