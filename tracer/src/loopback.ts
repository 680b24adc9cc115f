/** Where to listen: an address of this machine alone. */
export interface LoopbackAddress {
  readonly host: "127.0.0.1" | "::1";
  /** 0 for any that is free. */
  readonly port: number;
}

/** `6060`, `localhost:6060`, `127.0.0.1:6060` or `[::1]:6060`; undefined for what others could reach. */
export function loopbackAddress(text: string): LoopbackAddress | undefined {
  const match = /^(?:(localhost|127\.0\.0\.1|\[::1\]):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] === "[::1]" ? "::1" : "127.0.0.1", port };
}
