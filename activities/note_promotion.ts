import type { NoteRequest, PromotionEvent } from '../contract/promotion.ts';
import type { Store } from '../store/index.ts';

/** Enters in the record of promotions what became of a build that did not become the champion. */
export async function notePromotion(
  { store }: { store: Pick<Store, 'champions'> },
  { pipeline, ...note }: NoteRequest,
): Promise<PromotionEvent> {
  return store.champions.note(pipeline, { ...note, at: new Date().toISOString() });
}
