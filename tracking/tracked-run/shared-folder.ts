import { hostname } from 'node:os';
import { TrackingRefused } from '../../contract/failures.ts';
import { directoryOf, isDirectoryUri } from '../place.ts';
import type { Tracker } from '../tracker.ts';

/**
 * A directory is one machine's: what was begun in one goes on there, or is refused by name.
 * @param place where the run is tracked; nothing to check unless that and ours are directories.
 * @throws TrackingRefused when ours is another one.
 */
export function refuseOtherFolder({ tracker }: { tracker: Tracker }, place: string): void {
  const ours = tracker.place();
  if (place === ours || !isDirectoryUri(place) || !isDirectoryUri(ours)) return;
  const owner = hostOf(place);
  throw new TrackingRefused(
    `the run is tracked in the directory ${directoryOf(place)}${owner === undefined ? '' : ` of ${owner}`}, which this worker on ${hostname()} does not share (it has ${directoryOf(ours)}): let it share that directory, or set mlflow.tracking_uri to a server`,
  );
}

/** A place is the directory's URL and, after `#`, the machine that made it and a few random letters. */
function hostOf(place: string): string | undefined {
  return /#(.+)-[0-9a-f]+$/.exec(place)?.[1];
}
