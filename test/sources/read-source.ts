import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { withSourceText } from '../../sources/source-text.ts';
import type { OpenOptions, Stamp } from '../../sources/source.ts';

/** A bound of bytes so small that a test meets it, and bounds of time so large that only a test of them does. */
export const place: OpenOptions = {
  root: process.cwd(),
  scratch: tmpdir(),
  confined: false,
  s3: { endpoint: 'http://127.0.0.1:9', region: 'us-east-1', bucket: 'unused' },
  limits: {
    bytes: 100_000,
    connectMs: 30_000,
    idleMs: 30_000,
    totalMs: 50_000,
    privateAddresses: false,
  },
};

/** The text a source comes to, with its stamp; undefined when it is in the state known. */
export async function readSource(
  source: string,
  options: Partial<OpenOptions & { encoding: 'utf-8' | 'latin1' }> = {},
): Promise<{ text: string; stamp: Stamp; path: string } | undefined> {
  return withSourceText(source, { ...place, encoding: 'utf-8', ...options }, async (brought) =>
    brought === undefined
      ? undefined
      : {
          text: readFileSync(brought.file, 'utf8'),
          stamp: brought.stamp,
          path: brought.ref.path,
        },
  );
}
