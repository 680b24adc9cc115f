// How a library is shown to the tracer: programs with gaps for the names, which are different in every module.

export type Age = "oldest" | "newest";
export type Form = "esm" | "cjs";

/**
 * A library in use. In its code `main` is what the package exports by default, `of(name)` an export, and `$lock`,
 * `$holds` … stand for random names.
 */
export interface Sample {
  /** What is imported; the package's name if not given. */
  readonly specifier?: string;
  /** Where it does not exist: a form that the package has not (or breaks), a version that came later. */
  readonly not?: readonly (Age | Form | `${Age}-${Form}`)[];
  /** Declares what the other parts use. */
  readonly setUp: string;
  /** Prints by `log(…)` what the library does, and leaves nothing taken: its twin without a mistake. */
  readonly behaves: string;
  /**
   * Declares tasks; the calls of those named in `tasks` follow. A line with `// here` is where the resource is taken.
   */
  readonly scene: string;
  /** The tasks of the scene in the order in which they are called. */
  readonly tasks: readonly string[];
  readonly shows: Shown;
}

/** What the dump says of the scene's resource, and of who waits for it. */
export interface Shown {
  readonly kind: string;
  readonly capacity?: number;
  /** Tasks that hold it; each took it at the line `// here` unless it is a callback. */
  readonly holders?: readonly string[];
  /** Tasks in its queue, in order. */
  readonly waiters?: readonly string[];
  /** Tasks that wait for it out of its queue. */
  readonly others?: readonly string[];
  /** The state of each task that waits, if not the one that goes with the kind. */
  readonly states?: Readonly<Record<string, string>>;
  readonly length?: number;
  /** What is reported about the scene: the verdict, and the task in it. */
  readonly problem?: readonly [verdict: string, task: string];
}

export const never = "await new Promise(() => {});";

/** A lock of which `take` and `give` are expressions; `release` is bound to what `take` gives. */
export function lockLike(
  take: string,
  give: string,
  shows: Omit<Shown, "holders" | "waiters">,
): Pick<Sample, "behaves" | "scene" | "tasks" | "shows"> {
  return {
    behaves: `
  const turn = async (name) => {
    const promise = ${take};
    log(promise.constructor.name, Object.keys(promise).length);
    const release = await promise; log(name, "in", typeof release); await tick(); log(name, "out");
    ${give};
  };
  await Promise.all([turn("a"), turn("b"), turn("c")]);
  const ticks = async () => { for (let count = 0; count < 12; count++) { await null; log(count); } };
  const counting = ticks();
  await turn("d"); await counting;
  { const release = await ${take}; ${give}; }
  await new Promise((done) => ${take}.then(async (release) => { log("then"); ${give}; done(); }));
`,
    scene: `
async function $holds() { const release = await ${take}; /* here */ ${never} ${give}; }
async function $waits() { const release = await ${take}; ${give}; }
async function $waitsToo() { const release = await ${take}; ${give}; }
`,
    tasks: ["holds", "waits", "waitsToo"],
    shows: { ...shows, holders: ["holds"], waiters: ["waits", "waitsToo"] },
  };
}
