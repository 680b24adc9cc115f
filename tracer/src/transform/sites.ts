/** What is known of a place before the program runs. */
export interface SiteEntry {
  /** From 1, of the source the tracer was given. */
  readonly line: number;
  readonly column: number;
  /** The function around it, or the function itself. */
  readonly function?: string;
  /** The variable or field that gets what is created here. */
  readonly name?: string;
  /** The name by which the awaited call calls, when a call is awaited directly. */
  readonly callee?: string;
  /** Bits of `site…`. */
  readonly flags: number;
}

/** An async function, async generator or module: the place where it is defined. */
export const siteFunction = 1;
export const siteGenerator = 2;
export const siteModule = 4;
/** What is awaited here is kept in a variable that is only called, in this function. */
export const siteOwnsHandle = 8;
/** The function gives back what this await takes, by a method of the same object. */
export const siteReleasesHere = 16;
/** What a call gives here goes to nobody but the caller of the function. */
export const siteGivesHandle = 32;

/** Whether a call by this name may be one of the function of that name. */
export function isCallOf(callee: string, name: string): boolean {
  return name === callee || name.endsWith(`.${callee}`);
}
