import type { NoteRequest, PromotionEvent } from '../contract/promotion.ts';
import { hashTrainInputs } from '../store/champions.ts';
import type { Store } from '../store/index.ts';

/** Enters in the record of promotions what became of a build that did not become the champion. */
export async function notePromotion(
  { store }: { store: Pick<Store, 'champions' | 'records'> },
  { pipeline, ...note }: NoteRequest,
): Promise<PromotionEvent> {
  const { version, seq } = note.build;
  // A build whose record is gone can be rejected, too. Then nothing is known that could be barred.
  const record =
    note.action === 'rejected' ? await store.records.read(pipeline, version, seq) : undefined;
  const barred = record === undefined ? {} : { inputs: hashTrainInputs(record) };
  return store.champions.note(pipeline, { ...note, ...barred, at: new Date().toISOString() });
}
