import { z } from 'zod';
import { RETRAIN } from '../contract/command.ts';
import { Conflict, MissingHistory } from '../contract/failures.ts';
import type { Build, GateDecision, PromotionEvent } from '../contract/promotion.ts';
import { findStage } from '../contract/stages.ts';
import {
  isSameBuild,
  makeNoChampionError,
  makesChampion,
  nameBuild,
} from '../contract/versions.ts';
import type { Bucket } from './bucket.ts';
import { MOST_LISTING, readDocument, swapDocument, type Shape } from './documents.ts';
import { hashOf } from './hash.ts';
import type { VersionRecord } from './version-record.ts';

const buildSchema = z.strictObject({ version: z.int().min(1), seq: z.int().min(1) });

/** Loose, so that a number which a later gate adds does not make the history unreadable. */
export const decisionSchema: z.ZodType<GateDecision> = z.looseObject({
  outcome: z.enum(['promote', 'hold']),
  reason: z.string(),
  champion: buildSchema.nullable(),
  rule: z.enum(['not_worse', 'better', 'always', 'never']),
  metric: z.string(),
  rows: z.number(),
  challenger_score: z.number().nullable(),
  champion_score: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  p_value: z.number().nullable(),
  worse_slices: z.array(z.string()),
});

const eventSchema = z.strictObject({
  ...buildSchema.shape,
  number: z.int().min(1),
  action: z.enum(['promoted', 'held', 'rejected', 'expired', 'superseded', 'rolled_back']),
  before: buildSchema.nullable(),
  at: z.string(),
  by: z.string(),
  reason: z.string(),
  decision: decisionSchema.nullable(),
  /** Identifies the request, so that its repeat adds no event. */
  id: z.string(),
});

const historySchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  champion: buildSchema.nullable(),
  /** In the order in which they happened: the N-th has the number N. */
  events: z.array(eventSchema),
  /** The builds that a person said no to. The gate does not promote another build of the same inputs. */
  barred: z.array(
    z.strictObject({
      ...buildSchema.shape,
      inputs: z.string(),
      /** A build that was taken back, where it is absent. */
      action: z.literal('rejected').optional(),
    }),
  ),
  /** The build at which the alias in the registry was last pointed; null before the first. */
  alias: buildSchema.nullable(),
});

/** The record of promotions of a pipeline: who is champion, and the history. */
export type ChampionHistory = z.infer<typeof historySchema>;

const HISTORY: Shape<ChampionHistory> = { schema: 1, shape: historySchema, most: MOST_LISTING };

/** The fields that every change of the record has. */
interface Request {
  /** Identifies the request: a repeat returns the event that is there. */
  id: string;
  by: string;
  reason: string;
  /** ISO 8601, UTC. */
  at: string;
}

/** A build that the gate would promote. */
export interface GatePromotion extends Request {
  build: Build;
  /** See `hashTrainInputs`. */
  inputs: string;
  decision: GateDecision;
  /** Only checks whether the build may wait for a person. */
  waits?: boolean;
}

/** An event that changes no champion. */
export interface Note extends Request {
  action: 'held' | 'rejected' | 'expired' | 'superseded';
  build: Build;
  decision: GateDecision | null;
  /** The hash of what a rejected build was trained on and with: these are barred. */
  inputs?: string;
}

/** A change by a person. */
interface HandChange extends Request {
  /** The champion that the person has seen; not checked where it is undefined. */
  seen?: Build | null | undefined;
}

/** A promotion by a person. */
export interface HandPromotion extends HandChange {
  build: Build;
  inputs: string;
}

export interface Rollback extends HandChange {
  /** The build of the version that becomes the champion; undefined: the champion before the present one. */
  version: number | undefined;
  /** Throws where the build cannot be the champion. */
  check: (build: Build) => Promise<void>;
  /** Returns the hash of a build's inputs, by which it is barred. */
  hashInputs: (build: Build) => Promise<string>;
}

/**
 * The result of a promotion by the gate: an event; or the build is the champion already; or the champion is not the
 * one that the gate compared it with, so that it has to decide again; or nothing prevents that it waits for a person.
 */
export type GateAnswer =
  | { answer: 'entered'; event: PromotionEvent }
  | { answer: 'already' }
  | { answer: 'changed' }
  | { answer: 'clear' };

/** The records of promotions in a bucket. Each changes by compare-and-swap, so a pipeline has one champion at any time. */
export class Champions {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Returns the record; undefined before the first event. */
  async read(pipeline: string): Promise<ChampionHistory | undefined> {
    return (await readDocument(this.#bucket, championsKey(pipeline), HISTORY))?.value;
  }

  /** Returns the champion. @throws MissingHistory where there is none yet */
  async readChampion(pipeline: string): Promise<Build> {
    const champion = (await this.read(pipeline))?.champion ?? null;
    if (champion === null) throw makeNoChampionError(pipeline);
    return champion;
  }

  /**
   * Makes a build the champion, if the champion is still the one that the gate compared it with. A build that was taken
   * back, or whose version is older than that of the champion, is held.
   */
  async promote(pipeline: string, request: GatePromotion): Promise<GateAnswer> {
    let answer: GateAnswer | undefined;
    const history = await this.#change(pipeline, request, (current) => {
      const { champion } = current;
      const { build, decision } = request;
      answer = undefined;
      const held = findObstacle(current, request);
      if (isSameBuild(champion, build)) answer = { answer: 'already' };
      else if (held !== undefined)
        return addEvent(current, { ...request, reason: held, action: 'held' });
      else if (!isSameBuild(champion, decision.champion)) answer = { answer: 'changed' };
      else if (request.waits === true) answer = { answer: 'clear' };
      else return addEvent(current, { ...request, action: 'promoted' });
      return current;
    });
    return answer ?? { answer: 'entered', event: findEvent(history, request.id)! };
  }

  /**
   * Makes a build the champion because a person says so. Its inputs are no longer barred.
   * @throws Conflict when it is the champion already, or the champion is not the one that the person has seen
   */
  async promoteByHand(pipeline: string, request: HandPromotion): Promise<PromotionEvent> {
    const history = await this.#change(pipeline, request, (current) => {
      checkSeen(current, request);
      if (isSameBuild(current.champion, request.build))
        throw makeChampionAlready(pipeline, request.build);
      const next = addEvent(current, { ...request, action: 'promoted', decision: null });
      return { ...next, barred: next.barred.filter(({ inputs }) => inputs !== request.inputs) };
    });
    return findEvent(history, request.id)!;
  }

  /**
   * Makes an earlier champion the champion again. Every champion since then is barred, unless its inputs are the same.
   * @throws MissingHistory when there is no such earlier champion; Conflict when it is the champion now, or the champion is
   * not the one that the person has seen
   */
  async rollBack(pipeline: string, request: Rollback): Promise<PromotionEvent> {
    const history = await this.#change(pipeline, request, async (current) => {
      checkSeen(current, request);
      const { build, takenBack } = findTarget(current, request.version);
      await request.check(build);
      const own = await request.hashInputs(build);
      const barred = current.barred.filter(({ inputs }) => inputs !== own);
      for (const one of takenBack) {
        const inputs = await request.hashInputs(one);
        if (inputs !== own && !barred.some((known) => known.inputs === inputs))
          barred.push({ ...one, inputs });
      }
      const { id, by, reason, at } = request;
      const event = { id, by, reason, at, build, action: 'rolled_back', decision: null } as const;
      return { ...addEvent(current, event), barred };
    });
    return findEvent(history, request.id)!;
  }

  /** Adds an event that changes no champion. A person's no stays: the inputs of a rejected build are barred. */
  async note(pipeline: string, request: Note): Promise<PromotionEvent> {
    const { action, build, inputs } = request;
    const history = await this.#change(pipeline, request, (current) => {
      const next = addEvent(current, request);
      if (action !== 'rejected' || inputs === undefined) return next;
      if (next.barred.some((known) => known.inputs === inputs)) return next;
      const { version, seq } = build;
      return { ...next, barred: [...next.barred, { version, seq, inputs, action }] };
    });
    return findEvent(history, request.id)!;
  }

  /** Notes that the alias in the registry points at a build. */
  async noteAlias(pipeline: string, build: Build): Promise<void> {
    await swapDocument(this.#bucket, championsKey(pipeline), HISTORY, (current) => {
      const known = current ?? makeEmpty(pipeline);
      return isSameBuild(known.alias, build) ? known : { ...known, alias: build };
    });
  }

  async #change(
    pipeline: string,
    { id }: Request,
    change: (current: ChampionHistory) => ChampionHistory | Promise<ChampionHistory>,
  ): Promise<ChampionHistory> {
    return swapDocument(this.#bucket, championsKey(pipeline), HISTORY, async (current) => {
      const known = current ?? makeEmpty(pipeline);
      if (findEvent(known, id) !== undefined) return known;
      return change(known);
    });
  }
}

export function championsKey(pipeline: string): string {
  return `champions/${pipeline}.json`;
}

/**
 * Hashes what a model was trained on and with. The version of the code is left out: what a person took back stays barred
 * where a later program trains it again.
 */
export function hashTrainInputs({ stages }: Pick<VersionRecord, 'stages'>): string {
  const { inputs = {}, params = {} } = findStage(stages, 'train') ?? {};
  const contents = Object.entries(inputs).map(([name, { sha256 }]) => [name, sha256]);
  return hashOf({ inputs: Object.fromEntries(contents), params });
}

/**
 * Returns the champions that a rollback can go back to, the present one last. A rollback removes those after its
 * target, so that a second rollback goes further back.
 */
export function listStanding({ events }: Pick<ChampionHistory, 'events'>): Build[] {
  const standing: Build[] = [];
  for (const { action, version, seq } of events) {
    const build = { version, seq };
    if (action === 'rolled_back')
      standing.splice(standing.findLastIndex((one) => isSameBuild(one, build)) + 1);
    else if (action === 'promoted') standing.push(build);
  }
  return standing;
}

/** Finds the target of a rollback, and the champions that it takes back. */
function findTarget(
  history: ChampionHistory,
  version: number | undefined,
): { build: Build; takenBack: Build[] } {
  const { pipeline, champion } = history;
  if (champion === null)
    throw new MissingHistory(`${pipeline} has no champion, so there is nothing to take back`);
  const standing = listStanding(history);
  const at =
    version === undefined
      ? standing.length - 2
      : standing.slice(0, -1).findLastIndex((one) => one.version === version);
  const build = standing[at];
  if (build !== undefined) {
    if (isSameBuild(build, champion)) throw makeChampionAlready(pipeline, build);
    return { build, takenBack: standing.slice(at + 1) };
  }
  if (version === champion.version) throw makeChampionAlready(pipeline, champion);
  throw new MissingHistory(
    version === undefined
      ? `build ${nameBuild(champion)} of ${pipeline} had no champion before it: choose another version with "${RETRAIN} promote N --reason REASON --pipeline ${pipeline}"`
      : `version ${version} of ${pipeline} was not the champion before build ${nameBuild(champion)}: make it the champion with "${RETRAIN} promote ${version} --reason REASON --pipeline ${pipeline}"`,
  );
}

/** @throws Conflict when the champion has changed since a person looked */
function checkSeen({ pipeline, champion, events }: ChampionHistory, { seen }: HandChange): void {
  if (seen === undefined || isSameBuild(champion, seen)) return;
  const last = events.findLast(({ action }) => makesChampion(action));
  const was = seen === null ? 'had no champion' : `had the champion ${nameBuild(seen)}`;
  const now = champion === null ? 'has none now' : `has ${nameBuild(champion)} now, by ${last!.by}`;
  throw new Conflict(
    `nothing is changed: ${pipeline} ${was} when you decided, and ${now}: see "${RETRAIN} champion --pipeline ${pipeline}", then decide again`,
  );
}

function makeChampionAlready(pipeline: string, build: Build): Conflict {
  return new Conflict(`build ${nameBuild(build)} of ${pipeline} is the champion already`);
}

/** Why the gate must not promote a build; undefined where it may. */
function findObstacle(
  { champion, barred }: ChampionHistory,
  { build, inputs }: GatePromotion,
): string | undefined {
  const back = barred.find((one) => one.inputs === inputs);
  if (back !== undefined) {
    const other = isSameBuild(back, build)
      ? ''
      : ', which was trained on the same data with the same params,';
    const no = back.action === 'rejected' ? 'rejected' : 'taken back';
    return `build ${nameBuild(back)}${other} was ${no}: only a person can promote it`;
  }
  if (champion !== null && build.version < champion.version)
    return `version ${build.version} is older than the champion, build ${nameBuild(champion)}`;
  return undefined;
}

function makeEmpty(pipeline: string): ChampionHistory {
  return { schema: 1, pipeline, champion: null, events: [], barred: [], alias: null };
}

function findEvent({ events }: ChampionHistory, id: string): PromotionEvent | undefined {
  return events.find((event) => event.id === id);
}

function addEvent(
  history: ChampionHistory,
  {
    id,
    by,
    reason,
    at,
    action,
    decision,
    build: { version, seq },
  }: Request & Pick<PromotionEvent, 'action' | 'decision'> & { build: Build },
): ChampionHistory {
  const { champion: before, events } = history;
  const number = events.length + 1;
  const event = { id, number, action, version, seq, before, at, by, reason, decision };
  return {
    ...history,
    champion: makesChampion(action) ? { version, seq } : before,
    events: [...events, event],
  };
}
