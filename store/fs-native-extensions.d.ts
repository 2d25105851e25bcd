/** What the package exports and file-lock.ts uses; it ships no types (1.5.1). */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on an open file; false when another open file holds it. */
  export function tryLock(fd: number): boolean;
}
