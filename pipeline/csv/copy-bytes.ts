import type { Buffer } from 'node:buffer';

/** Fewer bytes than this are copied faster one by one than by a call, which has to make a view of them. */
const FEW = 256;

/** Copies bytes [start, end) to where `to` has room for them. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > FEW) from.copy(to, at, start, end);
  else while (start < end) to[at++] = from[start++]!;
}
