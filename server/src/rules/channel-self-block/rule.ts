import { defineRule } from "../../analysis/analyzer.ts";
import { blockedChannels } from "../../passes/blocked-channels.ts";

export const channelSelfBlock = defineRule({
  id: "channel-self-block",
  title: "A channel operation waits for a partner that only comes after it",
  severity: "error",
  about: "channels",
  requires: [blockedChannels],
  run(pass) {
    for (const { at, channel, what, capacity, trace, fixes } of pass.resultOf(blockedChannels)) {
      const full = capacity === 0 ? "" : `, whose buffer of ${capacity} is full,`;
      const message =
        what === "send"
          ? `This send to '${channel}'${full} waits for a receiver, and none has been started: it waits for ever.`
          : `This waits for a value of '${channel}', and no sender has been started: it waits for ever.`;
      pass.report({ at, message, trace, fixes });
    }
  },
});
