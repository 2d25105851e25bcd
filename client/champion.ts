import { RETRAIN } from '../contract/command.ts';
import type { Build, GateDecision, PromotionOutcome } from '../contract/promotion.ts';
import { findStage, type StageFacts } from '../contract/stages.ts';
import {
  isSameBuild,
  makesChampion,
  nameBuild,
  toGateFacts,
  writeAnswers,
} from '../contract/versions.ts';
import type { ChampionHistory } from '../store/champions.ts';
import type { Store } from '../store/index.ts';
import type { Ledger } from '../store/ledger/ledger.ts';
import { staleVersions } from '../store/ledger/read.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { nameBatches } from './versions.ts';

/** A build as `--json` prints it. */
export interface BuildDocument {
  version: number;
  build: number;
}

export function toBuildDocument({ version, seq }: Build): BuildDocument {
  return { version, build: seq };
}

/** The champion of a record of promotions, as `--json` prints it; null before the first promotion. */
export function toChampionDocument(
  history: ChampionHistory | null | undefined,
): BuildDocument | null {
  return history?.champion == null ? null : toBuildDocument(history.champion);
}

/** `5.1`: build 1 of version 5. */
export function nameBuildDocument({ version, build }: BuildDocument): string {
  return nameBuild({ version, seq: build });
}

/** What became of a published build, in lines for a person. The first is a sentence, the others are commands. */
export function describeOutcome(
  pipeline: string,
  { state, reason, champion, ...build }: PromotionOutcome,
): string[] {
  const name = nameBuild(build);
  switch (state) {
    case 'promoted':
      return [`${name} is promoted: ${reason}`];
    case 'champion':
      return [`${name} stays: ${reason}`];
    case 'waiting':
      return [
        `${name} waits for approval: ${reason}`,
        ...Object.values(writeAnswers(pipeline, build)),
      ];
    case 'proposed':
      return [`${name} is proposed: ${reason}`];
    default: {
      const stays = champion === null ? 'none yet' : `${nameBuild(champion)} stays`;
      return [`${stays}; ${name} is ${nameAction(state)}: ${reason}`];
    }
  }
}

/** What an action is called in a table, or in a sentence after "is". */
export function nameAction(action: string): string {
  return action.replace('_', ' ');
}

/** What a build is to the champion. */
export type Standing =
  | 'champion'
  /** It was the champion, and a later build took its place. */
  | 'replaced'
  /** It was the champion, and a person took it back. */
  | 'taken_back'
  /** It would be promoted, if it is proposed and nothing prevents it. */
  | 'passed'
  | 'held'
  | 'rejected'
  | 'expired'
  | 'superseded';

/**
 * What a build is to the champion; null where no gate has decided about it.
 * @param outcome what the gate said of it
 */
export function findStanding(
  history: ChampionHistory | undefined,
  build: Build,
  outcome: GateDecision['outcome'] | null,
): Standing | null {
  if (history !== undefined) {
    if (isSameBuild(history.champion, build)) return 'champion';
    const no = history.barred.find((one) => isSameBuild(one, build));
    if (no !== undefined) return no.action ?? 'taken_back';
    const action = history.events.findLast((event) => isSameBuild(event, build))?.action;
    if (action !== undefined) return makesChampion(action) ? 'replaced' : action;
  }
  if (outcome === null) return null;
  return outcome === 'hold' ? 'held' : 'passed';
}

/** The record of the champion; undefined where there is no champion, or its record is gone. */
export async function findChampionRecord(
  { champions, records }: Pick<Store, 'champions' | 'records'>,
  pipeline: string,
): Promise<VersionRecord | undefined> {
  const champion = (await champions.read(pipeline))?.champion ?? null;
  return champion === null ? undefined : records.read(pipeline, champion.version, champion.seq);
}

/** A champion that was trained on batches which were amended since. */
export interface StaleChampion extends BuildDocument {
  batches: number[];
}

/**
 * The champion, if a batch that it was trained on was amended since; otherwise null.
 * @param ledger of the pipeline
 */
export async function findStaleChampion(
  store: Pick<Store, 'champions' | 'records'>,
  pipeline: string,
  ledger: Ledger,
): Promise<StaleChampion | null> {
  if (ledger.amended.length === 0) return null;
  const record = await findChampionRecord(store, pipeline);
  const [stale] = record === undefined ? [] : staleVersions(ledger, [record]);
  return stale === undefined ? null : { ...toBuildDocument(record!), batches: stale.batches };
}

/** What is wrong with a champion whose batches were amended, and what repairs it. */
export function describeStaleChampion(
  pipeline: string,
  { batches, ...champion }: StaleChampion,
): string {
  const { version } = champion;
  return `the champion, version ${nameBuildDocument(champion)}, was trained on ${nameBatches(batches)} as before; it stays until the gate compares it with a new build: make one with "${RETRAIN} run ${version} --pipeline ${pipeline}"`;
}

/**
 * What the gate said of a build last: when it was proposed, or else when it was recorded; null where no gate has decided
 * about it.
 */
export function findDecision(
  record: Pick<VersionRecord, 'version' | 'seq' | 'stages'>,
  history: Pick<ChampionHistory, 'events'> | null,
): StageFacts<'gate'> | null {
  const proposed = history?.events.findLast(
    (event) => event.decision !== null && isSameBuild(event, record),
  );
  if (proposed?.decision) return toGateFacts(proposed.decision);
  return findStage(record.stages, 'gate')?.facts ?? null;
}
