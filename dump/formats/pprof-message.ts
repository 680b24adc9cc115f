// The part of pprof's `profile.proto` that has nothing to do with tasks (docs/decisions/pprof-without-a-package.md).

/** One line of a stack. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** What was seen so many times at one place: the innermost frame first, one value for each type of value. */
export interface Sample {
  readonly stack: readonly Frame[];
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly values: readonly (number | bigint)[];
}

/** What is measured, and its unit: `delay`, `nanoseconds`. */
export type ValueType = readonly [type: string, unit: string];

export interface Profile {
  /** The last one is what viewers show first. */
  readonly valueTypes: readonly ValueType[];
  readonly period: ValueType;
  readonly samples: Iterable<Sample>;
  readonly comment: string;
  /** Milliseconds since the epoch. */
  readonly capturedAt: number;
  /** Milliseconds that the values are sums over; absent for a look at one moment. */
  readonly forMs?: number;
}

/** Encodes a profile, not compressed: tools take it as it is or gzipped. */
export function encodeProfile(profile: Profile): Uint8Array<ArrayBuffer> {
  const strings = new Interned<string>((text) => text);
  strings.number("");
  const functions = new Interned<Frame>((each) => `${each.name}\n${each.file}\n${each.line}`);
  const message = new Message();
  const valueType = ([type, unit]: ValueType) =>
    new Message().integer(1, strings.number(type)).integer(2, strings.number(unit));
  for (const type of profile.valueTypes) message.message(1, valueType(type));
  for (const { stack, labels, values } of profile.samples) {
    const sample = new Message().integers(
      1,
      stack.map((each) => functions.number(each) + 1),
    );
    sample.integers(2, values);
    for (const [key, value] of labels) {
      sample.message(3, new Message().integer(1, strings.number(key)).integer(2, strings.number(value)));
    }
    message.message(2, sample);
  }
  message.message(
    3,
    new Message().integer(1, 1).integer(5, strings.number("node")).integer(7, 1).integer(8, 1).integer(9, 1),
  );
  for (const [index, { name, file, line }] of functions.values.entries()) {
    const id = index + 1;
    const position = new Message().integer(1, id).integer(2, line);
    message.message(4, new Message().integer(1, id).integer(2, 1).message(4, position));
    const system = strings.number(name);
    const described = new Message().integer(1, id).integer(2, system).integer(3, system);
    message.message(5, described.integer(4, strings.number(file)).integer(5, line));
  }
  const period = valueType(profile.period);
  const comment = strings.number(profile.comment);
  const byDefault = strings.number(profile.valueTypes.at(-1)?.[0] ?? "");
  for (const text of strings.values) message.text(6, text);
  message.integer(9, nanoseconds(profile.capturedAt));
  if (profile.forMs !== undefined) message.integer(10, nanoseconds(profile.forMs));
  message.message(11, period).integer(12, 1).integer(13, comment).integer(14, byDefault);
  return message.bytes();
}

export function nanoseconds(ms: number): bigint {
  return BigInt(Math.max(0, Math.round(ms))) * 1_000_000n;
}

/** Gives equal values the same number, from 0 on. */
class Interned<T> {
  readonly values: T[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #keyOf: (value: T) => string;

  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf;
  }

  number(value: T): number {
    const key = this.#keyOf(value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.values.push(value) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

const encoder = new TextEncoder();

/** One protocol buffers message; fields with the value 0 are left out, as the format does. */
class Message {
  readonly #bytes: number[] = [];

  integer(field: number, value: number | bigint): this {
    if (value === 0 || value === 0n) return this;
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  integers(field: number, values: readonly (number | bigint)[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.#field(field, packed.#bytes);
  }

  text(field: number, text: string): this {
    return this.#field(field, encoder.encode(text));
  }

  message(field: number, message: Message): this {
    return this.#field(field, message.#bytes);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }

  #field(field: number, bytes: ArrayLike<number>): this {
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    for (let index = 0; index < bytes.length; index++) this.#bytes.push(bytes[index] ?? 0);
    return this;
  }

  #varint(value: number | bigint): void {
    let rest = BigInt(value);
    while (rest >= 0x80n) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
  }
}
