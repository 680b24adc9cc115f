// The lines by which a reader finds its way in `.taskdump` text and in what Go prints for its goroutines.
import type { Place } from "@unknot/protocol/place.ts";
import { jsonString, noPlace, unquote } from "./text.ts";

export const pattern = (source: string) => new RegExp(`^${source}$`);
export const reference = String.raw`(\w+)#(\d+)(?: (${jsonString}))?`;

export const taskHeader =
  /^(task|goroutine) (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\](,]+?)((?: \([^)]*\))*)((?:, [^\],]+)*)\](?: \{(.*)\})?:$/;
export const groupHeader =
  /^tasks (\d+) of (\d+) \[([^\](,]+?)((?: \([^)]*\))*)((?:, [^\],]+)*)\](?: \{(.*)\})?:$/;
export const resourceHeader = pattern(String.raw`resource ${reference} \((${jsonString}|[^)]*)\) \[(.*)\]:`);
export const waitsHeader = /^waits (\d+) for ([\d.]+)s, longest ([\d.]+)s \[([^\]]+)\]:$/;
export const holdsHeader =
  /^holds (\d+) for ([\d.]+)s, longest ([\d.]+)s, (\d+) delayed others for ([\d.]+)s:$/;
export const problemHeader = /^(deadlock|problem) ([A-Z]\d+): (.*)$/;

const location = /^\t(.+?):(\d+)(?::(\d+))?(?: \+0x[0-9a-f]+)?$/;

/** The place in the line behind another one; undefined when there is none, or it is not known. */
export function readPlace(line: string): Place | undefined {
  const match = location.exec(line);
  if (match === null || line === `\t${noPlace}`) return undefined;
  return { file: unquote(match[1] ?? ""), line: Number(match[2]), column: Number(match[3] ?? 1) };
}
