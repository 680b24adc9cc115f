import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for a stream: only on a terminal, never with NO_COLOR, always with FORCE_COLOR. */
export function colorsFor(stream: { readonly isTTY?: boolean }, env = process.env): Colors {
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const wanted = forced || (stream.isTTY === true && env["TERM"] !== "dumb");
  return picocolors.createColors(wanted && !env["NO_COLOR"]);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is its purpose
const commands = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text for a terminal: control characters of file names and messages are shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(commands, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same for code, where columns have to stay. */
export function harmless(code: string): string {
  return code.replace(commands, "\u{fffd}");
}

/** Writes to standard output and waits until it is taken, so that `process.exit` can't cut it. */
export async function print(text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
