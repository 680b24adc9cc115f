/** Always the same for the same seed: a name that no part of the tracer can know. */
export function randomName(seed: string): string {
  let hash = 2_166_136_261;
  let name = "";
  for (const letter of `${seed}      `) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619);
    if (name.length < 6) name += String.fromCharCode(97 + ((hash >>> 8) % 26));
    else name = name.slice(1) + String.fromCharCode(97 + ((hash >>> 8) % 26));
  }
  return `${name}${(hash >>> 4) % 100}`;
}

/** A program with gaps `$like` `$these`, filled with random names. */
export function withRandomNames(seed: string, source: string) {
  const nameOf = (gap: string) => randomName(`${seed} ${gap}`);
  return {
    source: source.replaceAll(/\$([a-z]\w*)/gi, (_, gap: string) => nameOf(gap)),
    nameOf,
    /** The gap that a name stands for, or the name itself. */
    gapOf(name: string | undefined): string | undefined {
      const gaps = [...source.matchAll(/\$([a-z]\w*)/gi)].map(([, gap = ""]) => gap);
      return gaps.find((gap) => nameOf(gap) === name) ?? name;
    },
  };
}
