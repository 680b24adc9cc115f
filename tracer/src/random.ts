// As it is before a program puts another in its place.
const { getBuiltinModule } = process;

/**
 * Random bytes as hexadecimal digits. `node:crypto` takes milliseconds to load, and most traced threads never need it:
 * their tokens are made by their workers.
 */
export function randomHex(bytes: number): string {
  return getBuiltinModule("node:crypto").randomBytes(bytes).toString("hex");
}
