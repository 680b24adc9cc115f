// Which row a promise belongs to, written on the promise itself where no program can see it: private fields, added by a
// constructor that returns its argument. They retain nothing, work on frozen objects and are read in nanoseconds. Two
// small integers, because a larger number would be an object of its own.

/** The base of a class with private fields for objects that are no instances of it. */
export class Identity {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: returning another object is how a foreign one gets the fields
    return object;
  }
}

let nextRow = 0;
let nextSeq = 0;

class Stamp extends Identity {
  // biome-ignore lint/style/useReadonlyClassProperties: write() sets both on objects that are no instances
  #row: number = nextRow;
  // biome-ignore lint/style/useReadonlyClassProperties: as above
  #seq: number = nextSeq;

  static row(object: object): number {
    return #row in object ? (object as Stamp).#row : 0;
  }

  static seq(object: object): number {
    return (object as Stamp).#seq;
  }

  static write(object: object, row: number, seqLow: number): void {
    nextRow = row;
    nextSeq = seqLow;
    try {
      // Adding a field that is there throws; asking first would cost every first stamp more than that.
      new Stamp(object);
    } catch {
      (object as Stamp).#row = row;
      (object as Stamp).#seq = seqLow;
    }
  }
}

/**
 * The row that an object is stamped with, below zero for the promise that an operation's callback gave back; 0 when it
 * has no stamp. No proxy trap and no getter runs.
 */
export const stampedRow: (object: object) => number = Stamp.row;

/** The low word of the id that the row had, of an object that has a stamp. */
export const stampedSeq: (object: object) => number = Stamp.seq;

export const writeStamp: (object: object, row: number, seqLow: number) => void = Stamp.write;
