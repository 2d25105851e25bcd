import { RETRAIN } from '../contract/command.ts';
import type { Build, PromotionOutcome } from '../contract/promotion.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Store } from '../store/index.ts';
import { staleVersions } from '../store/ledger/read.ts';
import { nameBatches } from './versions.ts';

/** A build as `--json` prints it. */
export interface BuildDocument {
  version: number;
  build: number;
}

export function toBuildDocument({ version, seq }: Build): BuildDocument {
  return { version, build: seq };
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
      return [`${name} waits for approval: ${reason}`, ...listAnswers(pipeline, build.version)];
    case 'proposed':
      return [`${name} is proposed: ${reason}`, `${RETRAIN} champion --pipeline ${pipeline}`];
    default: {
      const stays = champion === null ? 'none yet' : `${nameBuild(champion)} stays`;
      return [`${stays}; ${name} is ${nameAction(state)}: ${reason}`];
    }
  }
}

/** What an action is called in a table, or in a sentence after "is". */
function nameAction(action: string): string {
  return action.replace('_', ' ');
}

/** The commands that answer a version that waits for approval. */
function listAnswers(pipeline: string, version: number): string[] {
  return ['approve', 'reject'].map(
    (answer) => `${RETRAIN} ${answer} ${version} --reason "…" --pipeline ${pipeline}`,
  );
}

/** A champion that was trained on batches which were amended since. */
export interface StaleChampion extends BuildDocument {
  batches: number[];
}

/** The champion, if a batch that it was trained on was amended since; otherwise null. */
export async function findStaleChampion(
  { champions, ledgers, records }: Pick<Store, 'champions' | 'ledgers' | 'records'>,
  pipeline: string,
): Promise<StaleChampion | null> {
  const [history, ledger] = await Promise.all([champions.read(pipeline), ledgers.read(pipeline)]);
  const build = history?.champion ?? null;
  if (build === null || ledger === undefined || ledger.amended.length === 0) return null;
  const record = await records.read(pipeline, build.version, build.seq);
  const [stale] = record === undefined ? [] : staleVersions(ledger, [record]);
  return stale === undefined ? null : { ...toBuildDocument(build), batches: stale.batches };
}

/** What is wrong with a champion whose batches were amended, and what repairs it. */
export function describeStaleChampion(
  pipeline: string,
  { version, build: seq, batches }: StaleChampion,
): string {
  const name = nameBuild({ version, seq });
  return `the champion, version ${name}, was trained on ${nameBatches(batches)} as before; it stays until the gate compares it with a new build: make one with "${RETRAIN} run ${version} --pipeline ${pipeline}"`;
}
