import type { z } from 'zod';
import { quoteVerifyAll } from '../contract/command.ts';
import { DamagedArtifact, messageOf } from '../contract/failures.ts';
import type { Ref } from '../contract/ref.ts';
import { describeExpected } from '../contract/wrong-value.ts';

/** The most characters of a reason that are quoted: it can name many keys. */
const MOST_REASON = 120;

/**
 * Parses the JSON of an artifact.
 * @param ref its reference, for the error and for the stage that makes it again
 * @throws DamagedArtifact when the bytes are not JSON of this shape. They match their hash, so the document that
 *   names them was changed: a record, a cache entry or a ledger.
 */
export function parseStored<T>(
  bytes: Uint8Array,
  ref: Pick<Ref, 'path' | 'md5'>,
  shape: z.ZodType<T>,
): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw makeForeignError(ref, messageOf(error), error);
  }
  const parsed = shape.safeParse(json, { error: describeExpected });
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const where = path.join('.') || 'its content';
  throw makeForeignError(ref, `${where}: ${message}`, parsed.error);
}

function makeForeignError(
  ref: Pick<Ref, 'path' | 'md5'>,
  reason: string,
  cause: unknown,
): DamagedArtifact {
  return new DamagedArtifact(
    `${ref.path} (${ref.md5}) does not hold what its stage writes (${reason.slice(0, MOST_REASON)}), so a record, a cache entry or the ledger names the wrong object: find it with ${quoteVerifyAll('')}, and run the batch again with --force`,
    { cause, details: { ref, isForeign: true } },
  );
}
