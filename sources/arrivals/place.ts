/** A file of a listing. It has not been read. */
export interface SeenFile {
  name: string;
  /** Bytes. */
  size: number;
  /** Another stamp means that the file has changed; null when the place has no stamps. */
  stamp: string | null;
  /** SHA-256 of its bytes, if the place knows it without reading them. */
  sha256?: string;
}

/** The files of a folder or prefix. */
export interface Listing {
  files: SeenFile[];
  /** Names of files that are still being written. */
  writing: string[];
}

/** A folder or a prefix where each new file is a batch. */
export interface Place {
  /** As a person wrote it. */
  where: string;
  /**
   * Lists the files that are there now, in no order. Hidden and unfinished files are left out.
   * @throws BadData when there is no such folder or prefix
   */
  list: () => Promise<Listing>;
  /**
   * Returns the bytes of a file; undefined when they changed while they were read.
   * @throws BadData when they cannot be read
   */
  read: (file: SeenFile) => Promise<Uint8Array | undefined>;
}

/** The largest batch in bytes. A batch is read whole. */
export const MOST_BYTES = 1_000_000_000;

/** Whether a name is not one that programs give to hidden or unfinished files: `.x`, `_SUCCESS`, `x.tmp`, `x~`. */
export function isDataFile(name: string): boolean {
  return !/^[._]|~$|\.(tmp|temp|part|partial|filepart|crdownload|swp|swx|lock)$/i.test(name);
}

/** Returns why a file may not have this name; undefined when it may. */
export function findNameFault(name: string): string | undefined {
  return /[\p{Cc}\\]/u.test(name)
    ? 'its name holds a control character or a backslash: rename it'
    : undefined;
}
