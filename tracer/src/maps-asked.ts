// The tracer has Node map positions, for its own sake. Others turn that on while the program is being loaded (tsx), and
// then stack traces show the original source without us, too.
import module from "node:module";
import { type Callback, type Wrapping, wrapFunction } from "@unknot/models/probe.ts";

export interface MapsAsked {
  /** Whether somebody has asked Node to follow the maps of files. */
  isAsked(): boolean;
  /** Called when somebody does, on Node 20. */
  whenAsked(heard: () => void): void;
}

/** To be called when the tracer has turned it on; `before` says that it was on. */
export function watchMapsAsked(wrapping: Wrapping, before: boolean): MapsAsked {
  const { getSourceMapsSupport } = module;
  // Who uses the older switch turns it on for packages as well, which the tracer does not.
  if (typeof getSourceMapsSupport === "function")
    return { isAsked: () => before || getSourceMapsSupport().nodeModules, whenAsked() {} };
  let asked = before;
  const all: (() => void)[] = [];
  process.setSourceMapsEnabled = wrapFunction(
    wrapping,
    process.setSourceMapsEnabled as Callback,
    (_, [on]) => {
      if (on !== true || asked) return undefined;
      asked = true;
      for (const heard of all) heard();
      return undefined;
    },
  ) as typeof process.setSourceMapsEnabled;
  return { isAsked: () => asked, whenAsked: (heard) => void all.push(heard) };
}
