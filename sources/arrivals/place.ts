/** A file as a look at its place sees it, unread. */
export interface SeenFile {
  name: string;
  /** Bytes. */
  size: number;
  /** Another one means that it has changed; null where the place cannot say. */
  stamp: string | null;
  /** Of its bytes, where the place knows it without reading them. */
  sha256?: string;
}

/** What a look sees. */
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
   * What is there now, in no order; names that are not meant for readers are left out.
   * @throws BadData when there is no such place
   */
  list: () => Promise<Listing>;
  /**
   * The bytes of a file; undefined when they changed while they were read.
   * @throws BadData when they cannot be read
   */
  read: (file: SeenFile) => Promise<Uint8Array | undefined>;
}

/** A batch is read whole, so it has a bound. Bytes. */
export const MOST_BYTES = 1_000_000_000;

/** Names that programs give to what is not finished, or is no data: `.x`, `_SUCCESS`, `x.tmp`, `x.part`, `x~`. */
export function isForReaders(name: string): boolean {
  return !/^[._]|~$|\.(tmp|temp|part|partial|filepart|crdownload|swp|swx|lock)$/i.test(name);
}

/** Why no file may have this name; undefined for the others. */
export function faultOfName(name: string): string | undefined {
  return /[\p{Cc}\\]/u.test(name)
    ? 'its name holds a control character or a backslash: rename it'
    : undefined;
}
