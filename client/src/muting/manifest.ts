import { type Verdict, verdicts } from "@unknot/protocol/verdict.ts";
import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  settings: {
    "unknot.mutedProblems": {
      type: "array",
      default: [],
      scope: "window",
      markdownDescription:
        "Problems of running programs that are counted and not shown: neither in the panel nor in Problems. *Mute Problems Like This* in the panel writes an entry.",
      items: {
        type: "object",
        required: ["problem"],
        additionalProperties: false,
        properties: {
          problem: {
            type: "string",
            description: "The problem's id, or its verdict.",
            examples: Object.keys(verdicts) as Verdict[],
          },
          file: {
            type: "string",
            description: "The end of the path of the file that it is first found in; without it, everywhere.",
          },
        },
      },
    },
  },
};
