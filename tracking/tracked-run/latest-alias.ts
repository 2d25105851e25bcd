import { findAttempt } from './attempt.ts';
import type { Deps } from '../../activities/deps.ts';

/** The registry's alias of a batch: it stands at the model of the latest build. */
export function aliasOf(batch: number): string {
  return `batch-${batch}`;
}

/**
 * Points the alias of a version at the model of its latest build, whichever that is by the time it is
 * done. One whose logging was put off is pointed at when it is logged.
 */
export async function pointAtLatest(deps: Deps, pipeline: string, batch: number): Promise<void> {
  let pointed: number | undefined;
  for (;;) {
    const { seq, attempt } = await deps.store.records.latest(pipeline, batch);
    if (seq === pointed) return;
    const tracked = await findAttempt(deps, { pipeline, attempt });
    const { model_name: name = null, model_version: version = null } = tracked ?? {};
    if (name === null || version === null) return;
    await deps.tracker.setAlias({ name, alias: aliasOf(batch), version });
    pointed = seq;
  }
}
