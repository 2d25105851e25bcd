import type { VersionRecord } from '../../store/records.ts';
import { ago } from './ago.ts';
import { bar, bytes, duration, table } from '../display.ts';
import { say, scoreNames, scoreText } from '../print.ts';
import type { Session } from '../session.ts';
import { staleness } from '../stale.ts';
import { fromPhrase, type Origin } from '../why/origin.ts';
import { phraseOf } from '../why/reason.ts';
import type { LatestRun } from './run.ts';
import type { Stored } from './version.ts';

/** The run as a person reads it, on stdout. */
export function printRun(run: LatestRun): void {
  const out = process.stdout;
  const since = `started ${run.startedAt}, ${ago(run.startedAt)}`;
  out.write(`run       ${run.workflowId} ${run.status}, ${since}\n`);
  if (run.error !== null)
    out.write(
      `because   ${run.error.stage === null ? '' : `${run.error.stage}: `}${run.error.message}\n`,
    );
  for (const { stage, attempt, message } of run.retrying)
    out.write(`retrying  ${stage}, attempt ${attempt}: ${message}\n`);
  for (const told of run.progress) out.write(`progress  ${told.stage} ${bar(told)}\n`);
  if (run.heardAt !== null) out.write(`heard of  ${ago(run.heardAt)}\n`);
  if (run.waiting !== null) say(run.waiting, 'warning');
  if (run.stages !== null)
    out.write(
      `stages    ${run.stages.map(({ stage, state }) => `${stage} ${state}`).join(', ')}\n`,
    );
  out.write(`Temporal  ${run.link}\n\n`);
}

/** The version that stands as a person reads it, on stdout. */
export function printVersion(
  { tracker }: Session,
  record: VersionRecord,
  { origins, tracked, stale, logging }: Omit<Stored, 'version' | 'error'>,
): void {
  const out = process.stdout;
  const { version, seq, created_at, metrics, stages } = record;
  out.write(`version ${version}, build ${seq}, made ${created_at}, ${ago(created_at)}\n\n`);
  if (stale !== null) say(staleness(stale), 'warning');
  const rows = stages.map(({ stage, cached, duration_ms, outputs }, i) => [
    stage,
    cached ? 'cached' : 'done',
    duration(duration_ms),
    bytes(Object.values(outputs).reduce((sum, { size }) => sum + size, 0)),
    originPhrase(origins[i]!),
  ]);
  out.write(`${table(['stage', 'state', 'took', 'size', ''], rows)}\n\n`);
  const scores = scoreNames(metrics).map((name) => [name, scoreText(name, metrics[name])]);
  out.write(`${table(['metric', 'value'], scores)}\n\n`);
  for (const { stage, warnings } of stages)
    for (const warning of warnings) say(`${stage}: ${warning}`, 'warning');
  if (tracked === null) {
    say('the version is not logged: that is done when tracking is back, or by "log N"', 'warning');
    if (logging !== null)
      out.write(
        `logging   ${logging.workflowId}, attempt ${logging.attempt}${logging.message === null ? '' : `: ${logging.message}`}\n`,
      );
    return;
  }
  if (tracked.modelVersion !== null)
    out.write(`model     ${tracked.modelName} version ${tracked.modelVersion}\n`);
  out.write(`MLflow    ${tracked.url}\n`);
  if (tracker.look !== null) out.write(`          ${tracker.look}\n`);
}

function originPhrase({ cachedFrom, because }: Origin): string {
  return cachedFrom === null ? phraseOf(because) : `from ${fromPhrase(cachedFrom)}`;
}
