import type { Files } from '../../pipeline/batches/files.ts';

/** Files in memory, handed out in pieces of the given size. */
export function memoryFiles(piece = 7): Files & {
  put: (path: string, text: string) => void;
  text: (path: string) => string;
  has: (path: string) => boolean;
} {
  const files = new Map<string, Buffer>();
  return {
    size: (path) => files.get(path)!.length,
    read: function* (path) {
      const bytes = files.get(path)!;
      for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
    },
    append: (path, bytes) => {
      files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), bytes]));
    },
    remove: (path) => files.delete(path),
    put: (path, text) => files.set(path, Buffer.from(text)),
    text: (path) => files.get(path)!.toString(),
    has: (path) => files.has(path),
  };
}
