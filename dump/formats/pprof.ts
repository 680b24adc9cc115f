import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { callersOf } from "../callers.ts";
import { lookupOf, siteOf, waitMs } from "../names.ts";
import { deadlockLabels } from "../overview.ts";

export interface PprofOptions {
  /** `tasks`: all of them. `deadlock`: only members of one, which a viewer's trimming of small groups can't hide then. */
  readonly profile: "tasks" | "deadlock";
}

/**
 * Encodes a dump as a pprof profile (google/pprof `proto/profile.proto`), not compressed: tools take it as it is or
 * gzipped. Tasks with the same stack and labels are one sample. The values are age, wait and, last and by default, the
 * number of tasks: some viewers show only the last.
 */
export function encodePprof(dump: Dump, { profile }: PprofOptions): Uint8Array<ArrayBuffer> {
  const lookup = lookupOf(dump);
  const callers = callersOf(lookup);
  const deadlocks = deadlockLabels(dump.problems);
  const strings = new Interned<string>((text) => text);
  strings.number("");
  const functions = new Interned<Frame>((each) => `${each.name}\n${each.file}\n${each.line}`);
  const samples = new Map<string, Sample>();

  for (const task of dump.tasks) {
    const deadlock = deadlocks.get(task.id);
    if (profile === "deadlock" && deadlock === undefined) continue;
    const frames = [
      frameOf(task, siteOf(dump, task.at ?? task.entry), ""),
      ...callers(task, 64).map((caller) =>
        frameOf(caller, siteOf(dump, caller.at ?? caller.entry), "async "),
      ),
    ];
    const stack = frames.map((each) => functions.number(each) + 1);
    const resource = task.wait?.on === "resource" ? lookup.resourceById.get(task.wait.resource) : undefined;
    const holder = resource?.holders[0]?.task;
    const labels = [
      ["name", task.name],
      ["state", task.state],
      ...(deadlock === undefined ? [] : [["deadlock", deadlock]]),
      ...(resource === undefined
        ? []
        : [
            ["resource_kind", resource.kind],
            ["waiting_on", `${resource.kind}#${resource.id} ${resource.name ?? ""}`.trimEnd()],
          ]),
      ...(holder === undefined ? [] : [["held_by", `task ${holder}`]]),
      ...Object.entries(task.labels ?? {}),
    ] as const satisfies readonly (readonly string[])[];
    const key = JSON.stringify([stack, labels]);
    const sample = samples.get(key) ?? { stack, labels, age: 0, wait: 0, count: 0 };
    sample.age += task.ageMs;
    sample.wait += task.wait === undefined ? 0 : waitMs(task);
    sample.count++;
    samples.set(key, sample);
  }

  const message = new Message();
  const valueType = (type: string, unit: string) =>
    new Message().integer(1, strings.number(type)).integer(2, strings.number(unit));
  for (const [type, unit] of valueTypes) message.message(1, valueType(type, unit));
  for (const { stack, labels, age, wait, count } of samples.values()) {
    const sample = new Message().integers(1, stack).integers(2, [nanoseconds(age), nanoseconds(wait), count]);
    for (const [key = "", value = ""] of labels) {
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
  const period = valueType("tasks", "count");
  const comment = strings.number(`unknot ${profile} of pid ${dump.process.pid}`);
  const byDefault = strings.number("tasks");
  for (const text of strings.values) message.text(6, text);
  message.integer(9, BigInt(Math.round(dump.capturedAt)) * 1_000_000n);
  message.message(11, period).integer(12, 1).integer(13, comment).integer(14, byDefault);
  return message.bytes();
}

const valueTypes = [
  ["age", "nanoseconds"],
  ["wait", "nanoseconds"],
  ["tasks", "count"],
] as const;

interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

interface Sample {
  readonly stack: readonly number[];
  readonly labels: readonly (readonly string[])[];
  age: number;
  wait: number;
  count: number;
}

function frameOf(task: Task, site: Site | undefined, prefix: string): Frame {
  const name = site?.function ?? task.name;
  return {
    name: `${prefix}${name || "(anonymous)"}`,
    file: site?.file ?? "",
    line: Math.max(0, site?.line ?? 0),
  };
}

function nanoseconds(ms: number): bigint {
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
