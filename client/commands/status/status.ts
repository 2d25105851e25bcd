import type { Command } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { parseBatch } from '../../arguments.ts';
import {
  formatAge,
  formatBar,
  formatBytes,
  formatDuration,
  formatMinute,
  formatShownMetrics,
  formatTable,
} from '../../format.ts';
import { print, printFact, printJson, printLink, printModel, say } from '../../print.ts';
import { type Session, withSession } from '../../session.ts';
import { workflowIdOf } from '../../../contract/train-batch.ts';
import { findDecision, toChampionDocument } from '../../champion.ts';
import { describeStale } from '../../versions.ts';
import { type Origin, describeProducer, describeReasons } from '../../origin.ts';
import type { Config } from '../../../config/environment.ts';
import { MissingHistory } from '../../../contract/failures.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import type { LatestRun } from './latest-run.ts';
import type { Stored } from './stored-version.ts';
import { RETRAIN } from '../../../contract/command.ts';

export function statusCommand(context: CommandContext): Command {
  return pipelineCommand('status')
    .argument('<N>', 'the batch, from 1', parseBatch)
    .addHelpText('after', examples('status 2', 'status 2 --json'))
    .action(async (batch: number, { pipeline, json }: CommonFlags) => {
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json };
      process.exitCode = await status(config, asked);
    });
}

/** `status N`: the latest run of a batch, and its current version. */
export async function status(
  config: Config,
  { pipeline, batch, json }: { pipeline: string; batch: number; json?: boolean | undefined },
): Promise<number> {
  const { readLatestRun } = await import('./latest-run.ts');
  const { readStoredVersion } = await import('./stored-version.ts');
  const { readWaiting } = await import('../../promotion.ts');
  const { printDecision } = await import('./decision.ts');
  return withSession(config, ['temporal'], async (session) => {
    const [run, stored, now] = await Promise.all([
      readLatestRun(session, workflowIdOf({ pipeline, batch })),
      readStoredVersion(session, pipeline, batch),
      readWaiting(session, pipeline),
    ]);
    const { version, origins, tracked, stale, logging, history } = stored;
    // Without the store, the run can still be shown. Without a run too, the command fails with the store's error.
    if (stored.error !== null && run === null) throw stored.error;
    if (run === null && version === null) {
      const { adviseOnBatch } = await import('../../batch-advice.ts');
      throw new MissingHistory(
        `batch ${batch} of ${pipeline} has never been run: ${await adviseOnBatch(session, batch)}`,
      );
    }
    if (stored.error !== null)
      say(`the version cannot be shown: ${stored.error.message}`, 'warning');
    const unknown = stored.error === null ? {} : { storage: stored.error.message };
    const asOf = new Date().toISOString();
    const shown = version === null ? null : toVersionDocument(version);
    const document = {
      pipeline,
      batch,
      asOf,
      run,
      version: shown,
      origins,
      tracked,
      stale,
      logging,
      decision: version && findDecision(version, history),
      champion: toChampionDocument(history),
      waiting: now.waiting,
    };
    if (json === true) printJson({ ...document, ...unknown });
    else {
      if (run !== null) printRun(run);
      if (version !== null) {
        printVersion(session, version, stored);
        printDecision(version, history, now);
      }
    }
    return 0;
  });
}

/** The fields of a record, named as in the other JSON documents. */
export function toVersionDocument({
  seq,
  created_at,
  git_commit,
  ledger_revision,
  ...record
}: VersionRecord) {
  const { pipeline, version, params, metrics, stages, trial, comparisons, healed, forced } = record;
  return {
    pipeline,
    version,
    build: seq,
    createdAt: created_at,
    params,
    metrics,
    trial,
    comparisons,
    stages: stages.map(
      ({ producer, started_at: startedAt, duration_ms: durationMs, ...stage }) => ({
        ...stage,
        producer: { workflowId: producer.workflow_id, runId: producer.run_id },
        startedAt,
        durationMs,
      }),
    ),
    ledgerRevision: ledger_revision,
    gitCommit: git_commit,
    forced,
    healed,
  };
}

/** Prints the run for a person. */
export function printRun(run: LatestRun): void {
  const since = `started ${formatMinute(run.startedAt)}, ${formatAge(run.startedAt)}`;
  printFact('run', `${run.workflowId} ${run.status}, ${since}`);
  if (run.error !== null)
    printFact(
      'because',
      `${run.error.stage === null ? '' : `${run.error.stage}: `}${run.error.message}`,
    );
  for (const { stage, attempt, message } of run.retrying)
    printFact('retrying', `${stage}, attempt ${attempt}: ${message}`);
  for (const one of run.progress) printFact('progress', `${one.stage} ${formatBar(one)}`);
  if (run.heardAt !== null) printFact('seen', formatAge(run.heardAt));
  if (run.waiting !== null) say(run.waiting, 'warning');
  if (run.stages !== null)
    printFact('stages', run.stages.map(({ stage, state }) => `${stage} ${state}`).join(', '));
  printLink('Temporal', run.link, run.workflowId);
  print('');
}

/** Prints the current version for a person. */
export function printVersion(
  { tracker }: Session,
  record: VersionRecord,
  { origins, tracked, stale, logging }: Omit<Stored, 'version' | 'error' | 'history'>,
): void {
  const { version, seq, created_at, metrics, stages } = record;
  print(
    `version ${version}, build ${seq}, made ${formatMinute(created_at)}, ${formatAge(created_at)}\n`,
  );
  if (stale !== null) say(describeStale(stale), 'warning');
  const rows = stages.map(({ stage, cached, duration_ms, outputs }, i) => [
    stage,
    cached ? 'cached' : 'done',
    formatDuration(duration_ms),
    formatBytes(Object.values(outputs).reduce((sum, { size }) => sum + size, 0)),
    describeOrigin(origins[i]!),
  ]);
  print(`${formatTable(['stage', 'state', 'took', 'size', 'why'], rows)}\n`);
  print(`${formatShownMetrics(metrics)}\n`);
  for (const { stage, warnings } of stages)
    for (const warning of warnings) say(`${stage}: ${warning}`, 'warning');
  if (tracked === null) {
    say(
      `the version is not logged: it is logged when the tracking server is back, or by "${RETRAIN} log ${version} --pipeline ${record.pipeline}"`,
      'warning',
    );
    if (logging !== null)
      printFact(
        'logging',
        `${logging.workflowId}, attempt ${logging.attempt}${logging.message === null ? '' : `: ${logging.message}`}`,
      );
    return;
  }
  printModel(tracked);
  printLink('MLflow', tracked.url, `version ${version}`);
  if (tracker.look !== null) printFact('', tracker.look);
}

function describeOrigin({ cachedFrom, because }: Origin): string {
  return cachedFrom === null ? describeReasons(because) : `from ${describeProducer(cachedFrom)}`;
}
