import { refSchema, type Ref } from '../../contract/ref.ts';

/**
 * Every reference anywhere in a stored document. By its shape, not by where it stands: a document that
 * gains a field must not lose what the field names.
 */
export function* refsIn(value: unknown): Generator<Ref> {
  if (typeof value !== 'object' || value === null) return;
  const ref = 'md5' in value && 'sha256' in value ? refSchema.safeParse(value) : undefined;
  if (ref?.success === true) yield ref.data;
  else for (const inner of Object.values(value)) yield* refsIn(inner);
}
