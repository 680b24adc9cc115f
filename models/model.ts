// What a library does, as data. One file per library (`models/<library>/model.json`), read by the analyzer and by the
// tracer alike; models/README.md describes every field, `models/format.ts` says what is allowed where.

/** What a type of a library is to its users. */
export type ModelKind =
  | "mutex"
  | "rwlock"
  | "semaphore"
  | "channel"
  | "queue"
  | "pool"
  | "waitgroup"
  | "event"
  | "deferred"
  | "stream"
  | "promise"
  | "collection";

export type OperationName =
  // Locks, semaphores, pools.
  | "acquire"
  | "tryAcquire"
  | "release"
  | "scoped"
  | "cancelWaiters"
  | "query"
  | "resize"
  | "use"
  | "shutdown"
  // Channels.
  | "send"
  | "trySend"
  | "recv"
  | "tryRecv"
  | "close"
  | "range"
  | "pipe"
  | "select"
  // Queues and limiters.
  | "submit"
  | "map"
  | "wrap"
  | "bindWorker"
  | "pause"
  | "resume"
  | "clear"
  | "stop"
  // Waiting.
  | "waitIdle"
  | "waitEvent"
  | "join"
  // Wait groups.
  | "add"
  | "done"
  | "wait"
  // Promises and tasks.
  | "spawn"
  | "run"
  | "sleep"
  | "settle"
  | "abort"
  | "chain"
  | "exit";

/** What happens in a case that the library's documentation rarely mentions. */
export type Outcome =
  | "noop"
  | "throw"
  | "reject"
  | "hang"
  | "false"
  | "grows"
  | "stealsHold"
  | "losesWaiter"
  | "swallowed"
  | "unhandled"
  | "fine";

/** A number: given, or taken from an argument, or from a property of an argument that is an object. */
export type NumberSource =
  | number
  | "Infinity"
  | { readonly arg: number; readonly prop?: string; readonly default?: number | "Infinity" };

/** How the right to release is handed out. */
export interface HandleModel {
  /**
   * `fn`: a function; `tuple`: element `index` of a tuple, a function; `object`: an object with the methods `release`;
   * `self`: methods `release` of the resource; `resource`: methods `release` of the resource that take what was
   * acquired; `callback`: parameter `param` of a callback.
   */
  readonly form: "fn" | "tuple" | "object" | "self" | "resource" | "callback";
  readonly index?: number;
  readonly release?: readonly string[];
  readonly param?: number;
  /** Releasing gives a promise that has to be awaited. */
  readonly asyncRelease?: boolean;
  /** Releasing twice. */
  readonly double?: Outcome;
  /** The one of `release` that ends it after a failure, where the others say that all went well. */
  readonly onFailure?: string;
  /** Members that need nothing of the resource: while no other one is used, nothing is taken yet. */
  readonly idle?: readonly string[];
  /** Of an asynchronous release: a rejection that nobody looks at; `fine` when it never rejects. */
  readonly onFloatReject?: Outcome;
}

/** How something that is only described so far comes to happen. */
interface LazyModel {
  /** Awaiting it makes it happen. */
  readonly thenable?: boolean;
  /** Members that make it happen and give a promise. */
  readonly runs?: readonly string[];
  /** Members after which it happens on something else. */
  readonly elsewhere?: readonly string[];
}

/** An argument, or a property of an argument that is an object. */
interface ArgumentSource {
  readonly arg: number;
  readonly prop?: string;
}

/** In which of the described versions something is there. */
export interface Era {
  /** The first version that has it, where the model describes older ones too. */
  readonly since?: string;
  /** The first version that has it no more. */
  readonly until?: string;
}

export interface OperationModel extends Era {
  readonly op: OperationName;
  /** What happens is only over when the returned promise settles. */
  readonly await?: boolean;
  /** The promise is a property of what the call gives: `pool.acquire().promise`. */
  readonly promiseIn?: string;
  /** Of a free function: which argument is the resource. */
  readonly receiver?: number;
  /** Of a free function: the type of this model whose resource the key names, the same for the whole program. */
  readonly type?: string;
  /** Of `use` and `scoped`: what is handed out when no callback is given. */
  readonly handle?: HandleModel;
  /** Of `use`: nothing happens yet; the result and what its members give is a description of it. */
  readonly lazy?: LazyModel;
  /** Members that end the same hold. */
  readonly alsoReleasedBy?: readonly string[];
  /** Members of the resource that what is handed out, or given to the callback, has too; `()` is its call. */
  readonly also?: readonly string[];
  /** The callback that runs under the resource, or in its slot. */
  readonly fn?: number;
  /** An array of such callbacks. */
  readonly fnArray?: number;
  /** Arguments from here on are passed to the callback. */
  readonly restToFn?: number;
  /**
   * Options may stand at this index: `fn`, `restToFn` and `callback` count without them, `timeout`, `signal`,
   * `neverWaits` and `readWhen` with them.
   */
  readonly options?: number;
  /** A callback that declares this parameter has to call it: the operation is over then, and not when its promise settles. */
  readonly doneParam?: number;
  /** Nothing but that call ends it, whatever the callback declares. */
  readonly doneOnly?: true;
  /** A function at this index or behind it is told the outcome, and the call gives no promise then. */
  readonly callback?: number;
  /** When the callback runs: during the call, some time after it, or when something happens. Default `now` if awaited. */
  readonly when?: "now" | "later" | "repeatedly";
  /** What becomes of the callback's result: the caller gets it (default), an array of them, or nobody. */
  readonly callbackResult?: "returned" | "collected" | "dropped";
  readonly mode?: "read" | "write";
  /** With this option it is a reader. */
  readonly readWhen?: { readonly arg: number; readonly prop: string; readonly is: string };
  readonly key?: number;
  readonly value?: number;
  readonly amount?: NumberSource;
  /** When it is given, the operation gives up waiting after a time. */
  readonly timeout?: ArgumentSource;
  /** An AbortSignal that ends the waiting. */
  readonly signal?: ArgumentSource;
  /** Options with which it does not wait for others at all. */
  readonly neverWaits?: readonly ArgumentSource[];
  /** Of `join`: the argument with the awaited promises; `all` waits for each, `any` for one. */
  readonly promises?: number;
  readonly needs?: "all" | "any";
  /** Of `chain`: callbacks for the value, for the failure, for both. */
  readonly fulfilled?: number;
  readonly rejected?: number;
  readonly settled?: number;
  /** The result is the resource, as this type of the model (`this`: as it is). */
  readonly returns?: string;
  /** What a received value looks like; `resolvers` is what `Promise.withResolvers` gives. */
  readonly result?: "value" | "iterResult" | "boolean" | "undefinedWhenClosed" | "resolvers";
  /** Of `range`: the iteration ends when the channel is closed, or never. */
  readonly ends?: "onClose" | "never";
  readonly closesOnBreak?: boolean;
  /** A send is over when a value is buffered or received, or only when it is received. */
  readonly completes?: "onBufferOrReceive" | "onReceive";
  readonly afterClose?: Outcome;
  readonly closeTwice?: Outcome;
  readonly pendingSend?: Outcome;
  readonly unheld?: Outcome;
  readonly double?: Outcome;
  readonly waiters?: Outcome;
  readonly dropped?: Outcome | readonly GuardedOutcome[];
  /** What becomes of a rejection when nobody looks at the returned promise. */
  readonly onFloatReject?: Outcome;
  /** Awaited by a task of the same queue. */
  readonly insideOwnTask?: Outcome;
  /** Waits for a state without holding it. */
  readonly holds?: boolean;
  /** The state may have changed by the time the promise settles. */
  readonly weak?: boolean;
  /** False: used as it is meant to be, it neither throws nor rejects. */
  readonly throws?: false;
}

export interface GuardedOutcome {
  readonly when?: OptionGuard;
  readonly then: Outcome;
}

/** Holds when an option was given with this literal value, or when the installed version is in a range. */
interface OptionGuard {
  readonly create?: { readonly arg: number; readonly prop?: string; readonly is: boolean | number | string };
  readonly version?: string;
}

/** How instances arise; exactly one of `new`, `call` and `global` names the export or global variable. */
/** `new Source({ start(controller) { … } })`: the parameter of a callback that is a property of an argument. */
interface GivenSource {
  readonly arg: number;
  readonly prop: string;
  readonly parameter: number;
  readonly type: string;
  /** What is made ends only by what the callbacks that have this are given; how often this one is called. */
  readonly source?: "once" | "repeatedly";
}

export interface CreateModel {
  readonly new?: string;
  readonly call?: string;
  readonly global?: string;
  /** Holders at once; items that a channel buffers; tasks that a queue runs at once. The first that is given counts. */
  readonly capacity?: NumberSource | readonly NumberSource[];
  /** Does nothing until it is started. */
  readonly paused?: { readonly arg: number; readonly prop: string; readonly is: boolean };
  /** The option that lets a holder acquire again. */
  readonly reentrant?: { readonly arg: number; readonly prop: string; readonly is: boolean };
  /** The argument that names it: whatever has the name is the same, for the whole program. */
  readonly key?: number;
  /** Of what is named: the type of this model that the name stands for, where several are made with it. */
  readonly type?: string;
  /** Runs this callback during the creation, with functions that settle what is created. */
  readonly executor?: number;
  /** Runs this callback for everything that is submitted, in its slot. */
  readonly worker?: number;
  /** The worker's parameter that it calls when it is done. */
  readonly done?: number;
  /** An asynchronous worker is awaited, and given no such function. */
  readonly awaitsWorker?: true;
  /** When the worker says twice that it is done. */
  readonly doneTwice?: Outcome;
  /** With this option a worker that does not end is given up after a time. */
  readonly workerTimeout?: ArgumentSource;
  /** Callbacks in an argument that are given something of another type of this model. */
  readonly gives?: readonly GivenSource[];
  /** With more arguments than these it makes something else. */
  readonly maxArguments?: number;
}

export interface TypeModel extends Era {
  readonly kind: ModelKind;
  readonly extends?: string;
  readonly create?: readonly CreateModel[];
  readonly reentrant?: boolean;
  readonly keyed?: boolean;
  /** It emits `error` by itself, and the error is uncaught where nobody listens. */
  readonly emitsErrors?: boolean;
  /** It stands for something that has a name outside of the program: another object may be the same. */
  readonly remote?: boolean;
  /** Nobody waits for ever: after a time or some attempts the waiting fails. */
  readonly givesUp?: boolean;
  /** A hold that is not given back ends by itself after a time. */
  readonly expires?: boolean;
  /** The instance itself can be called. */
  readonly call?: OperationModel;
  readonly members: Readonly<Record<string, OperationModel>>;
  /** Members of the class: `Promise.all`. */
  readonly statics?: Readonly<Record<string, OperationModel>>;
}

/** A function that gives back a resource which is the same as one of its arguments. */
export interface WrapperModel {
  readonly wraps: number;
  /** Acquiring may fail where the wrapped resource would wait. */
  readonly acquire?: "mayReject";
}

export interface Model {
  readonly unknot: 1;
  /** Module specifiers; for files of a workspace, paths relative to it. */
  readonly modules: readonly string[];
  /** The names are global variables. */
  readonly global?: boolean;
  /** The versions that it describes, with both ends. Absent for what comes with the language or with Node. */
  readonly versions?: string;
  /** By declared name. */
  readonly types?: Readonly<Record<string, TypeModel>>;
  /** By exported name; dots reach into an object: `scheduler.wait`. */
  readonly functions?: Readonly<Record<string, OperationModel>>;
  readonly wrappers?: Readonly<Record<string, WrapperModel>>;
}
