import { createFilesTracker } from './files/tracker.ts';
import { createMlflowTracker, type MlflowOptions } from './mlflow/tracker.ts';
import { directoryOf, isDirectoryUri } from './place.ts';
import type { Tracker } from './tracker.ts';

/** Opens the tracker for a URI that `trackingUri` has resolved: of a server or of a directory. */
export function openTracker(options: MlflowOptions): Tracker {
  const { uri, signal } = options;
  if (isDirectoryUri(uri)) return createFilesTracker({ path: directoryOf(uri), signal });
  return createMlflowTracker(options);
}

/** The version that an MLflow server reports; undefined when it reports none. */
export { serverVersion } from './mlflow/tracker.ts';
