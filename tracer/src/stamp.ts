// Which row a promise belongs to, written on the promise itself where no program can see it: a private field, added by
// a constructor that returns its argument. It retains nothing, works on frozen objects and is read in nanoseconds.
import { rowLimit } from "./layout.ts";

/** Row and low word of its id in one number; negative for the promise that a callback gave back. 0: no stamp. */
export type StampValue = number;

/** The stamp of a row whose id has this low word. */
export function stampOf(row: number, seqLow: number): StampValue {
  return (seqLow >>> 0) * rowLimit + row;
}

export function rowOfStamp(stamp: StampValue): number {
  const positive = Math.abs(stamp);
  return positive - Math.floor(positive / rowLimit) * rowLimit;
}

export function seqOfStamp(stamp: StampValue): number {
  return Math.floor(Math.abs(stamp) / rowLimit) | 0;
}

class Identity {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: returning another object is how a foreign one gets the field
    return object;
  }
}

let next: StampValue = 0;

class Stamp extends Identity {
  // biome-ignore lint/style/useReadonlyClassProperties: write() sets it on objects that are no instances
  #value: StampValue = next;

  static read(object: object): StampValue {
    return #value in object ? (object as Stamp).#value : 0;
  }

  static write(object: object, stamp: StampValue): void {
    if (#value in object) (object as Stamp).#value = stamp;
    else {
      next = stamp;
      new Stamp(object);
    }
  }
}

/** The stamp of an object, 0 when it has none. No proxy trap and no getter runs. */
export const readStamp: (object: object) => StampValue = Stamp.read;
export const writeStamp: (object: object, stamp: StampValue) => void = Stamp.write;
