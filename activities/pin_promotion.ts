import { z } from 'zod';
import { parseParams, pipelineName } from '../contract/params.ts';
import type { PinnedPromotion } from '../contract/promotion.ts';
import type { Store } from '../store/index.ts';

const inputSchema = z.looseObject({ pipeline: pipelineName });

/**
 * Checks the input of a promotion, which anyone can send, and reads the champion.
 * @throws BadParams naming the key, its value and what is allowed
 */
export async function pinPromotion(
  deps: {
    store: Pick<Store, 'champions'>;
    searchAttributes?: () => Promise<string[]>;
    heartbeatTimeout?: number | undefined;
  },
  input: unknown,
): Promise<PinnedPromotion> {
  const { pipeline } = parseParams(inputSchema, input, "the workflow's input");
  const { heartbeatTimeout } = deps;
  const history = await deps.store.champions.read(pipeline);
  return {
    pipeline,
    champion: history?.champion ?? null,
    ...(heartbeatTimeout === undefined ? {} : { heartbeatTimeout }),
    searchAttributes: (await deps.searchAttributes?.()) ?? [],
  };
}
