import type { Config } from '../../../config/environment.ts';
import type { GateDecision, PromotionEvent } from '../../../contract/promotion.ts';
import { makeNoChampionError, nameBuild } from '../../../contract/versions.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import {
  type BuildDocument,
  describeStaleChampion,
  nameAction,
  nameBuildDocument,
} from '../../champion.ts';
import { type AliasNow, describeAlias, readAlias, repairAlias } from '../../champion-alias.ts';
import {
  formatAge,
  formatMinute,
  formatShownMetrics,
  formatTable,
  formatUtc,
} from '../../format.ts';
import { foldText, print, printFact, printJson, printLink, printModel, say } from '../../print.ts';
import {
  findPromotion,
  printWaiting,
  readWaiting,
  toEventDocument,
  type WaitingDocument,
} from '../../promotion.ts';
import { type Session, withSession, withStoreSession } from '../../session.ts';
import { findStale, readTracked, type TrackedNow } from '../../versions.ts';

/** What `champion --json` prints. */
interface ChampionDocument {
  pipeline: string;
  /** Null before the first promotion. */
  champion: Champion | null;
  /** The version that waits for approval. */
  waiting: WaitingDocument | null;
  alias: AliasNow | null;
  /** Why it is not known what waits; null where it is known. */
  problem: string | null;
}

/** The champion, and the change that made it the champion. */
interface Champion extends BuildDocument {
  since: string;
  by: string;
  reason: string;
  before: BuildDocument | null;
  decision: GateDecision | null;
  /** Its scores on the test rows of its own version. */
  metrics: Record<string, number>;
  /** Where it is logged now; null where it is not. */
  tracked: TrackedNow | null;
  /** The batches that were amended after it was trained. */
  amended: number[];
}

/** `champion`: which build is in production, since when and why, and what waits for a person. */
export async function showChampion(config: Config, json: boolean): Promise<number> {
  const { pipeline } = config;
  return withSession(config, ['storage'], async (session) => {
    // One after the other: where the record cannot be read, no request to Temporal is left open.
    const history = await session.store.champions.read(pipeline);
    const { waiting, problem } = await readWaiting(session, pipeline);
    const build = history?.champion ?? null;
    const champion =
      build === null
        ? null
        : await describeChampion(
            session,
            await session.store.records.readBuild({ pipeline, ...build }),
            findPromotion(history!.events, build)!,
          );
    const document: ChampionDocument = {
      pipeline,
      champion,
      waiting,
      alias: champion && (await readAlias(session, champion.tracked)),
      problem,
    };
    if (json) printJson(document);
    else printChampion(document);
    return 0;
  });
}

async function describeChampion(
  session: Session,
  record: VersionRecord,
  event: PromotionEvent,
): Promise<Champion> {
  const { version, build, at, by, reason, before, decision } = toEventDocument(event);
  return {
    version,
    build,
    since: at,
    by,
    reason,
    before,
    decision,
    metrics: record.metrics,
    tracked: await readTracked(session, record),
    amended: (await findStale(session.store, record))?.batches ?? [],
  };
}

function printChampion({ pipeline, champion, alias, ...now }: ChampionDocument): void {
  if (champion === null) say(makeNoChampionError(pipeline).message);
  else {
    const { version, build, since, by, reason, before, metrics, tracked, amended } = champion;
    const was = before === null ? '' : `; before: ${nameBuildDocument(before)}`;
    const how = `since ${formatMinute(since)}, ${formatAge(since)}${was}`;
    print(
      foldText(`version ${nameBuildDocument(champion)} is the champion of ${pipeline} ${how}`, 2),
    );

    printFact('because', reason);
    printFact('by', by);
    print('');
    print(`${formatShownMetrics(metrics)}\n`);
    if (tracked !== null) {
      printModel(tracked);
      printLink('MLflow', tracked.url, `version ${version}`);
    }
    if (alias?.state === 'differs')
      say(
        `the alias ${describeAlias(alias)}: "${repairAlias(pipeline, version)}" repairs it`,
        'warning',
      );
    else if (alias !== null) printFact('alias', describeAlias(alias));
    if (amended.length > 0)
      say(describeStaleChampion(pipeline, { version, build, batches: amended }), 'warning');
  }
  printWaiting(pipeline, now);
}

/** `champion history`: every change, and every proposed version that did not become the champion, the first one first. */
export async function showHistory(config: Config, json: boolean): Promise<number> {
  const { pipeline } = config;
  return withStoreSession(config, async ({ store }) => {
    const history = await store.champions.read(pipeline);
    const events = history?.events ?? [];
    if (json) printJson({ pipeline, events: events.map(toEventDocument) });
    else if (events.length === 0) say(makeNoChampionError(pipeline).message);
    else print(formatHistory(events));
    return 0;
  });
}

/** A table of events, one line each. */
export function formatHistory(events: readonly PromotionEvent[]): string {
  return formatTable(
    ['#', 'when (UTC)', 'what', 'version', 'before', 'by', 'reason'],
    events.map(({ number, at, action, before, by, reason, ...build }) => [
      number,
      formatUtc(at),
      nameAction(action),
      nameBuild(build),
      before === null ? '–' : nameBuild(before),
      by,
      reason,
    ]),
  );
}
