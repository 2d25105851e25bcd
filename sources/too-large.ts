import { SourceRefused } from '../contract/failures.ts';

/** What a source larger than the bound is refused with. */
export function tooLarge(name: string, bytes: number): SourceRefused {
  return new SourceRefused(
    `${name} is larger than ${bytes} bytes, the most that is read: raise RETRAIN_SOURCE_MAX_BYTES where it is read, or give a smaller file`,
  );
}
