import type { Bucket } from '../../store/bucket.ts';
import { sha256 } from '../../store/hash.ts';

/**
 * Overwrites a stored document, as a person with access to the bucket can.
 * @returns the document as it is now
 */
export async function editDocument<T>(
  bucket: Bucket,
  key: string,
  change: (document: T) => void,
): Promise<T> {
  const document = JSON.parse(Buffer.from((await bucket.get(key))!.bytes).toString()) as T;
  change(document);
  const bytes = Buffer.from(JSON.stringify(document));
  await bucket.put(key, bytes, { sha256: sha256(bytes), contentType: 'application/json' });
  return document;
}
