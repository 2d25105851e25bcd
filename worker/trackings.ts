import type { Tracking } from '../activities/deps.ts';
import type { Config } from '../config/environment.ts';
import { openTracker } from '../tracking/open.ts';
import type { Tracker } from '../tracking/tracker.ts';

/**
 * Where each pipeline's runs are tracked, found when it is first asked for and kept: runs under way do not
 * move because somebody edits a file. Pipelines that share a place share its tracker.
 */
export function trackings(
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
