import { type SiteEntry, siteGivesHandle, siteOwnsHandle, siteReleasesHere } from "./transform/sites.ts";

/** Where the source map of a file is that does not name it itself. */
export interface MapPlace {
  readonly url: string;
  /** The folder that its sources are relative to, where it is not that of the map. */
  readonly base?: string;
}

/** What a file brings when it is loaded; the worker gets the same. */
export interface FileSites {
  /** Absolute path. */
  readonly file: string;
  /** Number of the first of its sites; they are consecutive. */
  readonly first: number;
  readonly sites: readonly SiteEntry[];
  /** The source map that the file names. */
  readonly mapUrl?: string;
  /** The folder that the sources in that map are relative to, where it is not that of the map. */
  readonly mapBase?: string;
  /** The file runs as it is: a stack showed the place. */
  readonly isUntouched?: true;
  /** Stack traces show places of the original source. */
  readonly stacksAreMapped?: true;
}

/** Numbers the places of the program. Site 0 is "unknown". */
export interface SiteRegistry {
  /** The number of the next site. */
  readonly next: number;
  readonly files: readonly FileSites[];
  add(file: FileSites): void;
  readonly entryOf: (site: number) => SiteEntry | undefined;
  readonly ownsHandle: (site: number) => boolean;
  readonly releasesHere: (site: number) => boolean;
  readonly givesHandle: (site: number) => boolean;
}

export function createSiteRegistry(): SiteRegistry {
  const files: FileSites[] = [];
  let next = 1;
  let flags = new Uint8Array(1024);
  return {
    get next() {
      return next;
    },
    files,
    add(file) {
      files.push(file);
      next = file.first + file.sites.length;
      if (next > flags.length) {
        const larger = new Uint8Array(Math.max(next, flags.length * 2));
        larger.set(flags);
        flags = larger;
      }
      for (const [index, site] of file.sites.entries()) flags[file.first + index] = site.flags;
    },
    entryOf: (site) => {
      const file = files[lastNotAfter(files, site)];
      return file?.sites[site - file.first];
    },
    ownsHandle: (site) => ((flags[site] ?? 0) & siteOwnsHandle) !== 0,
    releasesHere: (site) => ((flags[site] ?? 0) & siteReleasesHere) !== 0,
    givesHandle: (site) => ((flags[site] ?? 0) & siteGivesHandle) !== 0,
  };
}

/** The index of the file that a site belongs to. */
export function lastNotAfter(files: readonly FileSites[], site: number): number {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((files[middle]?.first ?? 0) <= site) low = middle;
    else high = middle - 1;
  }
  return low;
}
