import type { z } from 'zod';
import { RETRAIN } from '../contract/command.ts';
import { DamagedArtifact, messageOf } from '../contract/failures.ts';
import type { Ref } from '../contract/ref.ts';

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
  try {
    return shape.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    const reason = messageOf(error).split('\n')[0]!.slice(0, 120);
    throw new DamagedArtifact(
      `${ref.path} (${ref.md5}) does not hold what its stage writes (${reason}), so a record, a cache entry or the ledger names the wrong object: find it with "${RETRAIN} verify", and run the batch again with --force`,
      { cause: error, details: { ref, isForeign: true } },
    );
  }
}
