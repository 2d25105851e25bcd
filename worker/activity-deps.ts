import type { Config } from '../config/environment.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../contract/search-attributes.ts';
import {
  type OperatorConnection,
  registeredSearchAttributes,
} from '../infra/register-search-attributes.ts';
import { openTracker } from '../tracking/open.ts';
import type { Tracker, Tracking } from '../tracking/tracker.ts';

/**
 * Returns a function from a pipeline to the place where its runs are tracked. The first answer for a
 * pipeline is kept, so that an edit of params.yaml does not move its running runs. Pipelines with the same
 * place share one tracker.
 */
export function openTrackings(
  configOf: (pipeline?: string) => Pick<Config, 'tracking'>,
): (pipeline?: string) => Tracking {
  const trackers = new Map<string, Tracker>();
  const known = new Map<string | undefined, Tracking>();
  return (pipeline) => {
    let tracking = known.get(pipeline);
    if (tracking !== undefined) return tracking;
    const { uri, auth, experimentName, modelName, onUnavailable } = configOf(pipeline).tracking;
    const tracker = trackers.get(uri) ?? openTracker({ uri, auth });
    trackers.set(uri, tracker);
    tracking = { tracker, experimentName, modelName, deferTracking: onUnavailable === 'defer' };
    known.set(pipeline, tracking);
    return tracking;
  };
}

/** How long an answer is kept. When attributes are missing it is short, because a person may register them soon. */
const COMPLETE_MS = 600_000;
const INCOMPLETE_MS = 15_000;

/**
 * Returns a function that asks Temporal which of our search attributes exist, and keeps the answer for a
 * while. When Temporal does not answer, the result is empty, because a run is more important than its
 * search attributes.
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
