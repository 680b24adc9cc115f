// Which fields a model may have, what they mean and what values they take. The JSON schema for editors and the
// validation of users' models are both made from this table.

export type Shape =
  | { readonly is: "string"; readonly values?: readonly string[] }
  | { readonly is: "boolean"; readonly only?: boolean }
  | { readonly is: "integer" }
  | { readonly is: "list"; readonly of: Shape }
  | { readonly is: "map"; readonly of: Shape }
  | { readonly is: "record"; readonly name: string }
  /** The alternatives differ in their kind of JSON value. */
  | { readonly is: "either"; readonly of: readonly Shape[] };

export interface Field {
  readonly shape: Shape;
  readonly about: string;
  readonly required?: boolean;
}

const text: Shape = { is: "string" };
const flag: Shape = { is: "boolean" };
const index: Shape = { is: "integer" };
const names: Shape = { is: "list", of: text };
const record = (name: string): Shape => ({ is: "record", name });
const oneOf = (...values: readonly string[]): Shape => ({ is: "string", values });
const number: Shape = { is: "either", of: [index, oneOf("Infinity"), record("source")] };
const outcome = oneOf(
  "noop",
  "throw",
  "reject",
  "hang",
  "false",
  "grows",
  "stealsHold",
  "losesWaiter",
  "swallowed",
  "unhandled",
  "fine",
);

/** The records of a model file; `model` is the file itself. */
export const records: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  model: {
    $schema: { shape: text, about: "The schema of this file, for editors." },
    unknot: { shape: index, about: "Version of the format: 1.", required: true },
    modules: {
      shape: names,
      about: "Module specifiers that export what is described; `./path` for files of the workspace.",
      required: true,
    },
    global: { shape: flag, about: "The names are global variables." },
    versions: {
      shape: text,
      about: "Versions of the library that are described, with both ends: `>=0.3 <1`.",
    },
    types: {
      shape: { is: "map", of: record("type") },
      about: "Classes, interfaces and factory results, by declared name.",
    },
    functions: { shape: { is: "map", of: record("operation") }, about: "Exported functions." },
    wrappers: {
      shape: { is: "map", of: record("wrapper") },
      about: "Functions that give back the resource they are given.",
    },
  },
  type: {
    since: { shape: text, about: "The first version that has it, if the model describes older ones too." },
    until: { shape: text, about: "The first version that has it no more." },
    kind: {
      shape: oneOf(
        "mutex",
        "rwlock",
        "semaphore",
        "channel",
        "queue",
        "pool",
        "waitgroup",
        "event",
        "deferred",
        "stream",
        "promise",
        "collection",
      ),
      about: "What it is to its users.",
      required: true,
    },
    extends: { shape: text, about: "The type of this model whose members it inherits." },
    create: { shape: { is: "list", of: record("create") }, about: "How instances arise." },
    reentrant: { shape: flag, about: "A holder may acquire again." },
    keyed: { shape: flag, about: "Each key is a resource of its own." },
    emitsErrors: {
      shape: flag,
      about: "It emits `error` by itself, and the error is uncaught where nobody listens.",
    },
    remote: {
      shape: flag,
      about:
        "It stands for something that has a name outside of the program: another object may be the same.",
    },
    givesUp: {
      shape: flag,
      about: "Nobody waits for ever: after a time or some attempts the waiting fails.",
    },
    expires: { shape: flag, about: "A hold that is not given back ends by itself after a time." },
    call: { shape: record("operation"), about: "What calling the instance does." },
    members: {
      shape: { is: "map", of: record("operation") },
      about: "Its methods. Members that are not named here are ignored.",
      required: true,
    },
    statics: { shape: { is: "map", of: record("operation") }, about: "Methods of the class itself." },
  },
  create: {
    new: { shape: text, about: "The exported class that is constructed." },
    call: { shape: text, about: "The exported function that makes it." },
    global: { shape: text, about: "The global variable that is it." },
    capacity: {
      shape: { is: "either", of: [...number.of, { is: "list", of: number }] },
      about: "Holders at once, items buffered, or tasks run at once; the first that is given counts.",
    },
    paused: { shape: record("flagSource"), about: "The option that makes it start paused." },
    reentrant: { shape: record("flagSource"), about: "The option that lets a holder acquire again." },
    key: {
      shape: index,
      about: "The argument that names it: whatever has the name is the same, for the whole program.",
    },
    type: {
      shape: text,
      about:
        "Of what is named: the type of this model that the name stands for, where several are made with it.",
    },
    executor: { shape: index, about: "The callback that runs during the creation." },
    worker: { shape: index, about: "The callback that runs for everything that is submitted, in its slot." },
    done: { shape: index, about: "The worker's parameter that it calls when it is done." },
    awaitsWorker: {
      shape: { is: "boolean", only: true },
      about: "An asynchronous worker is awaited, and given no such function.",
    },
    doneTwice: { shape: outcome, about: "When the worker says twice that it is done." },
    workerTimeout: {
      shape: record("source"),
      about: "With this option a worker that does not end is given up after a time.",
    },
    gives: {
      shape: { is: "list", of: record("given") },
      about: "Callbacks in an argument that are given something of another type of this model.",
    },
    maxArguments: { shape: index, about: "With more arguments than these it makes something else." },
  },
  operation: {
    since: { shape: text, about: "The first version that has it, if the model describes older ones too." },
    until: { shape: text, about: "The first version that has it no more." },
    op: {
      shape: oneOf(
        "acquire",
        "tryAcquire",
        "release",
        "scoped",
        "cancelWaiters",
        "query",
        "resize",
        "use",
        "shutdown",
        "send",
        "trySend",
        "recv",
        "tryRecv",
        "close",
        "range",
        "pipe",
        "select",
        "submit",
        "map",
        "wrap",
        "bindWorker",
        "pause",
        "resume",
        "clear",
        "stop",
        "waitIdle",
        "waitEvent",
        "join",
        "add",
        "done",
        "wait",
        "spawn",
        "run",
        "sleep",
        "settle",
        "abort",
        "chain",
        "exit",
      ),
      about: "What it does.",
      required: true,
    },
    await: { shape: flag, about: "It is only over when the returned promise settles." },
    receiver: { shape: index, about: "Of a function: which argument is the resource." },
    type: {
      shape: text,
      about: "Of a function: the type of this model whose resource the key names, for the whole program.",
    },
    promiseIn: {
      shape: text,
      about: "Of an acquire that is awaited: the property of what it gives that has the promise.",
    },
    handle: { shape: record("handle"), about: "How the right to release is handed out." },
    lazy: {
      shape: record("lazy"),
      about: "Of `use`: nothing happens yet; the result and what its members give describe it.",
    },
    alsoReleasedBy: { shape: names, about: "Members that end the same hold." },
    also: {
      shape: names,
      about:
        "Members of the resource that what is handed out, or given to the callback, has too; `()` is its call.",
    },
    fn: { shape: index, about: "The callback that runs under the resource or in its slot." },
    fnArray: { shape: index, about: "An array of such callbacks." },
    restToFn: { shape: index, about: "Arguments from here on go to the callback." },
    options: {
      shape: index,
      about:
        "Options may stand here. `fn`, `restToFn` and `callback` count without them, `timeout`, `signal`, `neverWaits` and `readWhen` with them.",
    },
    doneParam: {
      shape: index,
      about: "A callback that declares this parameter has to call it; its promise does not count then.",
    },
    doneOnly: {
      shape: { is: "boolean", only: true },
      about: "Nothing but that call ends it, whatever the callback declares.",
    },
    callback: {
      shape: index,
      about:
        "A function given at this index or behind it is told the outcome; the call gives no promise then.",
    },
    when: {
      shape: oneOf("now", "later", "repeatedly"),
      about: "When the callback runs: during the call, once after it, or again and again.",
    },
    callbackResult: {
      shape: oneOf("returned", "collected", "dropped"),
      about: "Who gets what the callback returns.",
    },
    mode: { shape: oneOf("read", "write"), about: "Of a reader-writer lock." },
    readWhen: { shape: record("textSource"), about: "The option with which it is a reader." },
    key: { shape: index, about: "The argument that names the resource." },
    value: { shape: index, about: "The argument that is sent." },
    amount: { shape: number, about: "How many permits." },
    timeout: { shape: record("source"), about: "When this is given, it gives up waiting." },
    signal: { shape: record("source"), about: "The AbortSignal that ends the waiting." },
    neverWaits: {
      shape: { is: "list", of: record("source") },
      about: "Options with which it does not wait for others.",
    },
    promises: { shape: index, about: "Of `join`: the argument with the promises." },
    needs: { shape: oneOf("all", "any"), about: "Of `join`: it waits for all of them or for one." },
    fulfilled: { shape: index, about: "Of `chain`: the callback for the value." },
    rejected: { shape: index, about: "Of `chain`: the callback for the failure." },
    settled: { shape: index, about: "Of `chain`: the callback for both." },
    returns: {
      shape: text,
      about: "The result is the resource, as this type of the model; `this`: as it is.",
    },
    result: {
      shape: oneOf("value", "iterResult", "boolean", "undefinedWhenClosed", "resolvers"),
      about: "What a received value looks like.",
    },
    ends: { shape: oneOf("onClose", "never"), about: "Of `range`: what ends the iteration." },
    closesOnBreak: { shape: flag, about: "Of `range`: leaving the loop closes the channel." },
    completes: {
      shape: oneOf("onBufferOrReceive", "onReceive"),
      about: "Of `send`: when the value counts as sent.",
    },
    afterClose: { shape: outcome, about: "After the channel or pool was closed." },
    closeTwice: { shape: outcome, about: "Closing again." },
    pendingSend: { shape: outcome, about: "What happens to waiting sends when the channel is closed." },
    unheld: { shape: outcome, about: "Releasing what is not held." },
    double: { shape: outcome, about: "Releasing twice." },
    waiters: { shape: outcome, about: "What happens to those who wait." },
    dropped: {
      shape: { is: "either", of: [outcome, { is: "list", of: record("guardedOutcome") }] },
      about: "What happens to tasks that are thrown away.",
    },
    onFloatReject: { shape: outcome, about: "A rejection that nobody looks at." },
    insideOwnTask: { shape: outcome, about: "Awaited by a task of the same queue." },
    holds: { shape: flag, about: "False: waits for a state without holding it." },
    weak: { shape: flag, about: "The state may have changed by the time the promise settles." },
    throws: {
      shape: { is: "boolean", only: false },
      about: "False: used as it is meant to be, it neither throws nor rejects.",
    },
  },
  handle: {
    form: {
      shape: oneOf("fn", "tuple", "object", "self", "resource", "callback"),
      about: "A function, an element of a tuple, an object, the resource itself, or a callback's parameter.",
      required: true,
    },
    index: { shape: index, about: "Of `tuple`: which element is the releasing function." },
    release: { shape: names, about: "Methods that release." },
    param: { shape: index, about: "Of `callback`: which parameter is the releasing function." },
    asyncRelease: { shape: flag, about: "Releasing gives a promise." },
    double: { shape: outcome, about: "Releasing twice." },
    onFailure: {
      shape: text,
      about: "The one of `release` that ends it after a failure, where the others say that all went well.",
    },
    idle: {
      shape: names,
      about: "Members that need nothing of the resource: while no other one is used, nothing is taken yet.",
    },
    onFloatReject: {
      shape: outcome,
      about: "Of an asynchronous release: a rejection that nobody looks at.",
    },
  },
  lazy: {
    thenable: { shape: flag, about: "Awaiting it makes it happen." },
    runs: { shape: names, about: "Members that make it happen and give a promise." },
    elsewhere: { shape: names, about: "Members after which it happens on something else." },
  },
  source: {
    arg: { shape: index, about: "Index of the argument.", required: true },
    prop: { shape: text, about: "The property of it; `a.b` for one of a property." },
    default: { shape: { is: "either", of: [index, oneOf("Infinity")] }, about: "When it is not given." },
  },
  given: {
    arg: { shape: index, about: "Index of the argument.", required: true },
    prop: { shape: text, about: "The property that is the callback.", required: true },
    parameter: { shape: index, about: "Index of the parameter.", required: true },
    type: { shape: text, about: "The type of what it gets.", required: true },
    source: {
      shape: oneOf("once", "repeatedly"),
      about:
        "What is made ends only by what the callbacks that have this are given; how often this one is called.",
    },
  },
  flagSource: {
    arg: { shape: index, about: "Index of the argument.", required: true },
    prop: { shape: text, about: "The property of it.", required: true },
    is: { shape: flag, about: "The value that counts.", required: true },
  },
  textSource: {
    arg: { shape: index, about: "Index of the argument.", required: true },
    prop: { shape: text, about: "The property of it.", required: true },
    is: { shape: text, about: "The value that counts.", required: true },
  },
  guardedOutcome: {
    when: { shape: record("guard"), about: "When it applies; always, if absent." },
    // biome-ignore lint/suspicious/noThenProperty: a word of the format, never awaited
    then: { shape: outcome, about: "What happens.", required: true },
  },
  guard: {
    create: { shape: record("option"), about: "An option given at the creation." },
    version: { shape: text, about: "Range of installed versions." },
  },
  option: {
    arg: { shape: index, about: "Index of the argument.", required: true },
    prop: { shape: text, about: "The property of it." },
    is: { shape: { is: "either", of: [flag, index, text] }, about: "The value that counts.", required: true },
  },
  wrapper: {
    wraps: { shape: index, about: "The argument whose resource comes back.", required: true },
    acquire: {
      shape: oneOf("mayReject"),
      about: "Acquiring may fail where the wrapped resource would wait.",
    },
  },
};

/** The JSON schema of a model file. */
export function modelSchema(): object {
  return schemaOfRecords("Unknot library model", records, "model");
}

/** A JSON schema of files whose outermost object is the record `root`. */
export function schemaOfRecords(
  title: string,
  all: Readonly<Record<string, Readonly<Record<string, Field>>>>,
  root: string,
): object {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title,
    $ref: `#/definitions/${root}`,
    definitions: Object.fromEntries(
      Object.entries(all).map(([name, fields]) => [
        name,
        {
          type: "object",
          properties: Object.fromEntries(
            Object.entries(fields).map(([key, field]) => [
              key,
              { description: field.about, ...schemaOf(field.shape) },
            ]),
          ),
          required: Object.entries(fields)
            .filter(([, field]) => field.required)
            .map(([key]) => key),
          additionalProperties: false,
        },
      ]),
    ),
  };
}

function schemaOf(shape: Shape): object {
  switch (shape.is) {
    case "string":
      return shape.values ? { type: "string", enum: shape.values } : { type: "string" };
    case "boolean":
      return shape.only === undefined ? { type: "boolean" } : { const: shape.only };
    case "integer":
      return { type: "integer", minimum: 0 };
    case "list":
      return { type: "array", items: schemaOf(shape.of) };
    case "map":
      return { type: "object", additionalProperties: schemaOf(shape.of) };
    case "record":
      // In draft 7 nothing counts beside `$ref`, so a description needs the detour.
      return { allOf: [{ $ref: `#/definitions/${shape.name}` }] };
    case "either":
      return { anyOf: shape.of.map(schemaOf) };
  }
}
