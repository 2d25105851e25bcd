import { registeredSearchAttributes, type OperatorConnection } from '../infra/search-attributes.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../contract/search-attributes.ts';

/** How long an answer holds; where some are missing, a person may be about to register them. */
const COMPLETE_MS = 600_000;
const INCOMPLETE_MS = 15_000;

/**
 * Which of our search attributes can be set, asked of Temporal when a run needs to know and kept for a
 * while. Where it cannot be asked, none: a run is worth more than being found by them.
 */
export function probeSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
): () => Promise<SearchAttributeName[]> {
  let asked: Promise<SearchAttributeName[]> | undefined;
  let until = 0;
  const ask = async (): Promise<SearchAttributeName[]> => {
    try {
      const names = await registeredSearchAttributes(connection, namespace);
      if (names.length === Object.keys(SEARCH_ATTRIBUTES).length) until = Date.now() + COMPLETE_MS;
      return names;
    } catch {
      return [];
    }
  };
  return () => {
    if (asked === undefined || Date.now() > until) {
      until = Date.now() + INCOMPLETE_MS;
      asked = ask();
    }
    return asked;
  };
}
