import { defineRule } from "../../analysis/analyzer.ts";
import { channels } from "../../passes/channels.ts";
import { openStreams } from "../../passes/open-streams.ts";

export const channelNeverClosed = defineRule({
  id: "channel-never-closed",
  title: "A channel is received from until it is closed, and nobody closes it",
  severity: "warning",
  requires: [channels, openStreams],
  run(pass) {
    for (const channel of pass.resultOf(channels)) {
      pass.report({
        at: channel.at,
        message: `'${channel.name}' is never closed, so the loop that receives from it never ends.`,
        trace: [
          { at: channel.at, what: `'${channel.name}' is made here` },
          ...channel.sends.map((at) => ({ at, what: "a value is sent here" })),
          ...channel.loops.map((at) => ({ at, what: "this loop waits for more after the last value" })),
        ],
        fixes: channel.fixes,
      });
    }
    for (const { at, when, trace, fixes } of pass.resultOf(openStreams)) {
      const never = `This stream is never closed${when === "" ? "" : ` ${when}`}`;
      pass.report({ at, message: `${never}: who reads it to its end waits for ever.`, trace, fixes });
    }
  },
});
