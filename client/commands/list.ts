import type { Command } from 'commander';
import {
  type BuildDocument,
  findStanding,
  nameAction,
  nameBuildDocument,
  type Standing,
  toChampionDocument,
} from '../champion.ts';
import { formatNumber, formatTable, formatUtc, nameScores } from '../format.ts';
import { print, printJson, say } from '../print.ts';
import { withStoreSession, type StoreSession } from '../session.ts';
import { listEveryPipeline, listStale, describeStale } from '../versions.ts';
import type { Config } from '../../config/environment.ts';
import { RETRAIN } from '../../contract/command.ts';
import { canonicalJson } from '../../contract/canonical-json.ts';
import { findHeadline, findMetricSet, formatSigned } from '../../contract/metric-sets.ts';
import { flattenParams, formatParam } from '../../contract/trials.ts';
import { makeNoVersionError, nameBuild } from '../../contract/versions.ts';
import type { Stale } from '../../store/ledger/read.ts';
import type { ChampionHistory } from '../../store/champions.ts';
import type { VersionLine } from '../../store/version-index.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';

export function listCommand(context: CommandContext): Command {
  return pipelineCommand('list', '', 'only this pipeline (default: every pipeline)')
    .option('--all', 'also earlier builds and trials')
    .addHelpText('after', examples('list', 'list --all', 'list --pipeline wine --json'))
    .action(async ({ pipeline, all, json }: CommonFlags & { all?: boolean }) => {
      process.exitCode = await list(await context.configure(pipeline), {
        only: pipeline !== undefined,
        all: all === true,
        json,
      });
    });
}

/** A build, as `--json` prints it. */
export interface ListedVersion {
  version: number;
  build: number;
  /** Whether it is the published build of its version, a trial, or was published earlier. */
  state: 'published' | 'trial' | 'earlier';
  createdAt: string;
  trainRows: number;
  metrics: Record<string, number>;
  params: Record<string, unknown>;
  /** Null where nothing is registered. */
  modelVersion: string | null;
  /** Null for a build that is not logged yet. */
  runId: string | null;
  ledgerRevision: number | null;
  /** What it is to the champion; null where no gate has decided about it. */
  standing: Standing | null;
  /** How its headline score differs from that of the build before, on the same rows; null where it was not compared. */
  compared: VersionLine['compared'];
}

/** The versions of one pipeline, as `--json` prints them. */
interface Listed {
  pipeline: string;
  /** Null before the first promotion. */
  champion: BuildDocument | null;
  versions: ListedVersion[];
  stale: Stale[];
  /** Files of its folder or prefix that cannot be used. */
  quarantined: { name: string; reason: string; seenAt: string }[];
}

/**
 * `list`: the versions with their scores, of the pipeline that was named or, if none was, of every pipeline
 * in params.yaml or in the bucket.
 */
export async function list(
  config: Config,
  { only, all, json }: { only: boolean; all: boolean; json?: boolean | undefined },
): Promise<number> {
  return withStoreSession(config, async (session) => {
    const [first, ...others] = await Promise.all(
      (only ? [config.pipeline] : await listEveryPipeline(session)).map((name) =>
        readListed(session, name, all),
      ),
    );
    if (json === true) printJson(only ? first : { ...first, others });
    else
      for (const one of [first!, ...others]) printVersions(one, { titled: others.length > 0, all });
    return 0;
  });
}

async function readListed(
  { store }: StoreSession,
  pipeline: string,
  all: boolean,
): Promise<Listed> {
  const [history, ledger] = await Promise.all([
    store.champions.read(pipeline),
    store.ledgers.read(pipeline),
  ]);
  const [versions, stale] = await Promise.all([
    (all ? listEveryBuild : listPublished)(store, pipeline, history),
    listStale(store, pipeline, ledger),
  ]);
  const quarantined = (ledger?.quarantined ?? []).map(({ name, reason, seen_at }) => ({
    name,
    reason,
    seenAt: seen_at,
  }));
  return { pipeline, champion: toChampionDocument(history), versions, stale, quarantined };
}

async function listPublished(
  { records }: StoreSession['store'],
  pipeline: string,
  history: ChampionHistory | undefined,
): Promise<ListedVersion[]> {
  const lines = await records.listWithParams(pipeline);
  return lines.map((line) => toListed(line, 'published', history));
}

async function listEveryBuild(
  { records }: StoreSession['store'],
  pipeline: string,
  history: ChampionHistory | undefined,
): Promise<ListedVersion[]> {
  const { lineOf } = await import('../../store/version-index.ts');
  const published = new Map((await records.list(pipeline)).map((line) => [nameBuild(line), line]));
  const builds = await records.listBuilds({ pipeline }, ({ message }) => say(message, 'warning'));
  return builds.map(({ record, state }) => {
    // Only the index knows where a build is logged that was logged after it was made.
    const line = published.get(nameBuild(record)) ?? lineOf(record);
    return toListed({ ...line, params: record.params }, state, history);
  });
}

/** A line of the index as it is printed. */
export function toListed(
  {
    seq,
    created_at,
    rows,
    model_version,
    run_id,
    ledger_revision,
    outcome,
    ...line
  }: VersionLine & {
    params: Record<string, unknown>;
  },
  state: ListedVersion['state'],
  history: ChampionHistory | undefined,
): ListedVersion {
  return {
    version: line.version,
    build: seq,
    state,
    createdAt: created_at,
    trainRows: rows,
    metrics: line.metrics,
    params: line.params,
    modelVersion: model_version,
    runId: run_id,
    ledgerRevision: ledger_revision,
    standing: findStanding(history, { version: line.version, seq }, outcome),
    compared: line.compared,
  };
}

function printVersions(
  { pipeline, champion, versions, stale, quarantined }: Listed,
  { titled, all }: { titled: boolean; all: boolean },
): void {
  if (versions.length === 0) say(makeNoVersionError(pipeline).message);
  else print(`${titled ? `${pipeline}\n` : ''}${formatVersions(versions, all)}`);
  if (champion !== null && !versions.some(({ standing }) => standing === 'champion'))
    say(
      `the champion of ${pipeline} is ${nameBuildDocument(champion)}, which is not the published build of its version: see "${RETRAIN} list --all --pipeline ${pipeline}"`,
    );
  for (const one of stale) say(describeStale(one), 'warning');
  for (const { name, reason } of quarantined)
    say(`${pipeline}: ${name} is quarantined, so it is in no version: ${reason}`, 'warning');
}

function isScored({ metrics }: ListedVersion): boolean {
  return findHeadline(metrics) !== undefined;
}

/** A table of builds. Params that are not the same in all of them have a column each. */
export function formatVersions(versions: readonly ListedVersion[], withState: boolean): string {
  const { headline, listed: columns } = findMetricSet(versions.findLast(isScored)?.metrics ?? {});
  const headings = nameScores(columns);
  const params = versions.map((one) => flattenParams(one.params));
  const names = listVarying(params);
  const hasChampion = versions.some(({ standing }) => standing !== null);
  const state = (one: ListedVersion): string[] => (withState ? [one.state] : []);
  const isCompared = versions.some(({ compared }) => compared !== null);
  return formatTable(
    [
      'version',
      ...(withState ? ['state'] : []),
      ...(hasChampion ? ['champion'] : []),
      ...headings,
      { name: 'new batch', leaveOut: 20 },
      ...(isCompared ? ['change on the same rows'] : []),
      ...names.map((name, i) => ({ name, leaveOut: 30 + names.length - i })),
      { name: 'train rows', leaveOut: 2 },
      { name: 'test rows', leaveOut: 3 },
      { name: 'model', leaveOut: 1 },
      'made (UTC)',
    ],
    versions.map((one, i) => [
      nameBuildDocument(one),
      ...state(one),
      ...(hasChampion ? [one.standing === null ? '–' : nameAction(one.standing)] : []),
      ...columns.map(({ name }) => formatNumber(one.metrics[name])),
      formatNumber(one.metrics[`new_batch_${headline}`]),
      ...(isCompared ? [formatCompared(one)] : []),
      ...names.map((name) => (name in params[i]! ? formatParam(params[i]![name]) : '–')),
      one.trainRows,
      one.metrics['test_rows'] ?? 0,
      one.runId === null ? 'not logged' : one.modelVersion === null ? '–' : `v${one.modelVersion}`,
      formatUtc(one.createdAt),
    ]),
  );
}

/** `+0.0386 from 1.1 on 34 rows: better`: the change of the headline score. */
function formatCompared({ compared }: ListedVersion): string {
  if (compared === null) return '–';
  const { rows, by, verdict } = compared;
  const change = verdict === 'none' ? 'no change' : formatSigned(by);
  const isTested = verdict !== 'none' && verdict !== 'untested';
  return `${change} from ${nameBuild(compared)} on ${rows} rows${isTested ? `: ${verdict}` : ''}`;
}

/** The names of the params that are not the same everywhere. The location of the data and the gate change no model. */
function listVarying(params: readonly Record<string, unknown>[]): string[] {
  const names = new Set(params.flatMap((one) => Object.keys(one)));
  for (const place of ['data.source', 'data.source_secret_env']) names.delete(place);
  return [...names].filter(
    (name) =>
      !name.startsWith('gate.') && new Set(params.map((one) => valueOf(one, name))).size > 1,
  );
}

function valueOf(params: Record<string, unknown>, name: string): string {
  return name in params ? canonicalJson(params[name] ?? null) : '';
}
