import {
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  isCancellation,
  log,
  getExternalWorkflowHandle,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../contract/activities.ts';
import {
  approve,
  changeChampion,
  promotion,
  promotionAnswered,
  propose,
  reject,
  type Build,
  type ChampionChange,
  type Entered,
  type NoteRequest,
  type PersonAnswer,
  type PinnedPromotion,
  type PromoteAnswer,
  type PromoteInput,
  type PromotionEvent,
  type PromotionOutcome,
  type PromotionView,
  type Proposal,
  type Verdict,
  type WaitingProposal,
} from '../contract/promotion.ts';
import { isSameBuild, makesChampion, nameBuild } from '../contract/versions.ts';
import { HEARTBEAT_TIMEOUT, overrideHeartbeat, SLOW_RETRY } from './activity-options.ts';
import { findNextTimer, isExpired, makeNotice, toWaitingView } from './approval.ts';
import { sendNotice } from './end-run.ts';
import { makeFailure, toWorkflowFailure } from './failure.ts';
import { logVersion } from './logVersion.ts';
import { PromotionDisplay } from './promotion-view.ts';
import { checkChange, checkVerdict, isProposal, readPromoteInput } from './verdicts.ts';

const { promote_version, change_champion, note_promotion } = proxyActivities<
  Pick<Activities, 'promote_version' | 'change_champion' | 'note_promotion'>
>({ startToCloseTimeout: '5m', heartbeatTimeout: HEARTBEAT_TIMEOUT, retry: SLOW_RETRY });
const { decide_again } = proxyActivities<Pick<Activities, 'decide_again'>>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: SLOW_RETRY,
});
const { pin_promotion } = proxyLocalActivities<Pick<Activities, 'pin_promotion'>>({
  startToCloseTimeout: '10s',
  summary: 'check the input, read the champion',
});

/** The most events that `promotion` shows. The record of promotions has all. */
const SHOWN = 50;

/**
 * Decides which build is the champion of a pipeline, one at a time, in order of version. It promotes what the gate
 * would promote, at once or when a person approves, and does what a person asks. It ends when nothing waits.
 */
export async function promote(input: PromoteInput): Promise<PromotionView> {
  const pinned = pin_promotion(input);
  const run = new Promotion(readPromoteInput(input));
  try {
    run.begin(await pinned);
  } catch (error) {
    throw toWorkflowFailure(error, undefined);
  }
  return run.work();
}

/** A request of a person, which the main loop serves. */
interface Job {
  serve: () => Promise<PersonAnswer>;
  done: (answer: PersonAnswer) => void;
  failed: (error: unknown) => void;
}

class Promotion {
  readonly #pipeline: string;
  readonly #queue: Proposal[];
  readonly #jobs: Job[] = [];
  readonly #display = new PromotionDisplay();
  readonly #view: PromotionView;
  #trackingFolder: string | undefined;
  #waiting: WaitingProposal | null;
  /** The verdict on the waiting proposal, from its arrival until it is served. */
  #verdict: Verdict | null = null;
  /** The notices that are being sent to the webhook. */
  #notices = 0;
  #failure: unknown;
  #heartbeat: ReturnType<typeof overrideHeartbeat> = {};

  /** Sets the handlers, so that a message that arrives with the start finds them. */
  constructor({ pipeline, proposal, trackingFolder, handedOn }: PromoteInput) {
    this.#pipeline = pipeline;
    this.#trackingFolder = trackingFolder ?? proposal?.trackingFolder;
    this.#queue = [...(handedOn?.queue ?? []), ...(proposal === undefined ? [] : [proposal])];
    this.#waiting = handedOn?.waiting ?? null;
    this.#view = { pipeline, champion: null, doing: null, waiting: null, events: [] };
    setHandler(promotion, () => this.#view);
    setHandler(propose, (proposed) => void this.#queue.push(proposed));
    const whileItWaits = { validator: (verdict: Verdict) => this.#checkWaits(verdict) };
    setHandler(
      approve,
      (verdict) => this.#decide(verdict, (id, own) => this.#approve(id, own)),
      whileItWaits,
    );
    setHandler(
      reject,
      (verdict) => this.#decide(verdict, (id, own) => this.#reject(id, own)),
      whileItWaits,
    );
    setHandler(
      changeChampion,
      (change) => this.#serve(describeChange(change), (id) => this.#change(id, change)),
      { validator: checkChange },
    );
  }

  begin(pinned: PinnedPromotion): void {
    this.#view.champion = pinned.champion;
    this.#heartbeat = overrideHeartbeat(pinned);
    this.#display.begin(pinned);
    this.#show();
  }

  /** Serves what arrives, one at a time: requests of people first, then proposals in order of version, then timers. */
  async work(): Promise<PromotionView> {
    for (;;) {
      const isDue = !(await this.#untilSomethingToDo());
      const job = this.#jobs.shift();
      if (job !== undefined) await this.#run(job);
      else if (this.#queue.length > 0) await this.#take(this.#nextProposal());
      else if (isDue) await this.#onTimer();
      else if (this.#isDone()) break;
      this.#view.doing = null;
      this.#show();
      if (this.#mayContinue())
        // Nothing is under way: all that the next execution needs is in its input.
        await continueAsNew<typeof promote>({
          pipeline: this.#pipeline,
          ...this.#folder(),
          handedOn: { queue: this.#queue, waiting: this.#waiting },
        });
    }
    if (this.#failure !== undefined) throw toWorkflowFailure(this.#failure, undefined);
    return this.#view;
  }

  #mayContinue(): boolean {
    const isIdle = this.#jobs.length === 0 && this.#notices === 0 && allHandlersFinished();
    return workflowInfo().continueAsNewSuggested && isIdle && !this.#isDone();
  }

  #isDone(): boolean {
    return this.#queue.length === 0 && this.#waiting === null;
  }

  /** @returns false when a reminder or the expiry of the waiting proposal is due */
  async #untilSomethingToDo(): Promise<boolean> {
    const isBusy = (): boolean => this.#jobs.length > 0 || this.#queue.length > 0;
    const due = this.#waiting === null ? null : findNextTimer(this.#waiting);
    if (due === null) {
      await condition(() => isBusy() || (this.#isDone() && allHandlersFinished()));
      return true;
    }
    const summary = `version ${this.#waiting!.proposal.version} waits for approval`;
    const wakes = (): boolean => isBusy() || this.#mayContinue();
    return condition(wakes, Math.max(1, Math.ceil(due - Date.now())), { summary });
  }

  /** Removes the proposal of the oldest version from the queue. */
  #nextProposal(): Proposal {
    const oldest = this.#queue.toSorted(byVersion)[0]!;
    this.#queue.splice(this.#queue.indexOf(oldest), 1);
    return oldest;
  }

  /** Serves a proposal. If it fails, later ones are served, and the workflow fails at its end. */
  async #take(proposal: Proposal): Promise<void> {
    if (!isProposal(proposal, this.#pipeline)) {
      log.warn('a proposal was left out, because it is not one of this pipeline');
      return;
    }
    try {
      await this.#answer(proposal, await this.#consider(proposal));
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#failure ??= error;
      const reason = `it could not be promoted: ${explain(error)}`;
      await this.#answer(proposal, this.#outcome(proposal, { state: 'held', reason }));
    }
  }

  async #consider(proposal: Proposal): Promise<PromotionOutcome> {
    const { decision, gate, runId } = proposal;
    const waits = gate.approval === 'required';
    const other = this.#waiting;
    if (decision.outcome === 'hold') {
      await this.#endReplaced(proposal);
      return this.#outcome(proposal, { state: 'held', reason: decision.reason });
    }
    if (waits && other !== null && isSameBuild(other.proposal, proposal)) {
      this.#waiting = { ...other, proposal };
      return this.#outcome(proposal, { state: 'waiting', reason: decision.reason });
    }
    if (waits && other !== null && byVersion(proposal, other.proposal) < 0)
      return this.#supersede(proposal, other.proposal);
    const { answer, decided } = await this.#promote(proposal, {
      id: `gate ${nameBuild(proposal)} ${runId ?? workflowInfo().firstExecutionRunId}`,
      by: 'gate',
      waits,
    });
    if (answer.answer === 'entered') {
      await this.#entered(answer);
      await this.#endReplaced(proposal);
      return this.#outcomeOf(answer);
    }
    if (answer.answer === 'already')
      return this.#outcome(proposal, { state: 'champion', reason: 'it is the champion already' });
    if (other !== null) await this.#supersede(other.proposal, proposal);
    this.#waiting = { proposal: decided, since: now(), notices: 0 };
    this.#notify();
    return this.#outcome(proposal, { state: 'waiting', reason: decided.decision.reason });
  }

  /**
   * Promotes a build, or checks that it may wait. Where the champion has changed since the gate decided, the gate decides
   * again.
   */
  async #promote(
    proposal: Proposal,
    { id, by, reason, waits }: { id: string; by: string; reason?: string; waits: boolean },
  ): Promise<{ answer: Exclude<PromoteAnswer, { answer: 'changed' }>; decided: Proposal }> {
    const pipeline = this.#pipeline;
    const { version, seq } = proposal;
    let decided = proposal;
    for (;;) {
      const { decision } = decided;
      if (decision.outcome === 'hold') {
        const why =
          reason === undefined
            ? decision.reason
            : `${by} approved it (${reason}), and the gate holds it now: ${decision.reason}`;
        const event = await this.#note(decided, 'held', { id, by: 'gate', reason: why });
        return { answer: { answer: 'entered', event, alias: 'none', warnings: [] }, decided };
      }
      const answer = await promote_version.executeWithOptions(
        {
          summary: `${describeBuild(proposal)}${waits ? ', whether it may wait' : ''}`,
          ...this.#heartbeat,
        },
        [{ pipeline, id, proposal: decided, by, reason: reason ?? decision.reason, waits }],
      );
      if (answer.answer !== 'changed') return { answer, decided };
      this.#doing(
        `the gate decides again about version ${version}, because the champion has changed`,
      );
      const again = await decide_again.executeWithOptions(
        { summary: describeBuild(proposal), ...this.#heartbeat },
        [{ pipeline, version, seq, gate: proposal.gate }],
      );
      decided = { ...proposal, decision: again.decision };
    }
  }

  /**
   * Serves a verdict on the build that waits when it arrives: another build of the version can take its place before the
   * verdict is served. A second verdict is refused until then.
   */
  async #decide(
    verdict: Verdict,
    serve: (id: string, verdict: Verdict) => Promise<PersonAnswer>,
  ): Promise<PersonAnswer> {
    const { version, seq } = this.#requireWaiting(verdict).proposal;
    this.#verdict = verdict;
    try {
      return await this.#serve(nameBuild({ version, seq }), (id) =>
        serve(id, { ...verdict, version, seq }),
      );
    } finally {
      this.#verdict = null;
    }
  }

  /**
   * Has the main loop serve the request of an update, so that one thing happens at a time. The id of the update is that of
   * the event: an update that is repeated, because its answer was lost, finds the event.
   * @param what its subject, because clients may use the id of an update again for another one
   */
  #serve(what: string, serve: (id: string) => Promise<PersonAnswer>): Promise<PersonAnswer> {
    const { id, name } = currentUpdateInfo()!;
    return new Promise((done, failed) => {
      this.#jobs.push({ serve: () => serve(`${name} ${what} ${id}`), done, failed });
    });
  }

  async #run({ serve, done, failed }: Job): Promise<void> {
    try {
      done(await serve());
    } catch (error) {
      failed(isCancellation(error) ? error : toWorkflowFailure(error, undefined));
      if (isCancellation(error)) throw error;
    }
  }

  #checkWaits(verdict: Verdict): void {
    checkVerdict(verdict);
    this.#requireWaiting(verdict);
    if (this.#verdict !== null)
      throw refuse(
        `${this.#verdict.by} has just decided about version ${verdict.version}: see "champion history"`,
      );
  }

  /** @throws ApplicationFailure when this version, or this build of it, does not wait */
  #requireWaiting(asked: Pick<Verdict, 'version' | 'seq'>): WaitingProposal {
    const waiting = this.#waiting;
    if (waiting !== null && isAbout(asked, waiting.proposal)) return waiting;
    const name = ({ version, seq }: Build): string =>
      asked.seq === undefined ? `version ${version}` : describeBuild({ version, seq });
    const last = this.#view.events.findLast((event) => isAbout(asked, event));
    const why = last === undefined ? '' : `: ${last.reason}`;
    const other = waiting === null ? '' : `, ${name(waiting.proposal)} does`;
    throw refuse(
      `${name({ seq: 0, ...asked })} of ${this.#pipeline} does not wait for approval${other}${why}`,
    );
  }

  async #approve(id: string, { by, reason, ...build }: Verdict): Promise<PersonAnswer> {
    const { proposal } = this.#requireWaiting(build);
    const { answer } = await this.#promote(proposal, { id, by, reason, waits: false });
    this.#waiting = null;
    if (answer.answer !== 'entered')
      throw refuse(`${describeBuild(proposal)} of ${this.#pipeline} is the champion already`);
    await this.#entered(answer);
    return toPersonAnswer(answer);
  }

  async #reject(id: string, { by, reason, ...build }: Verdict): Promise<PromotionEvent> {
    const { proposal } = this.#requireWaiting(build);
    const event = await this.#note(proposal, 'rejected', { id, by, reason });
    this.#waiting = null;
    return event;
  }

  async #change(id: string, change: ChampionChange): Promise<PersonAnswer> {
    const { action, version } = change;
    const target = version === undefined ? 'the champion before' : `version ${version}`;
    const summary = `${action === 'promoted' ? 'promote' : 'roll back to'} ${target}`;
    const answer = await change_champion.executeWithOptions({ summary, ...this.#heartbeat }, [
      { ...change, pipeline: this.#pipeline, id },
    ]);
    await this.#entered(answer);
    return toPersonAnswer(answer);
  }

  /** A reminder or the expiry is due. */
  async #onTimer(): Promise<void> {
    const waiting = this.#waiting!;
    if (!isExpired(waiting)) return this.#notify();
    await this.#note(waiting.proposal, 'expired', {
      id: `expired ${nameBuild(waiting.proposal)} ${waiting.since}`,
      by: 'gate',
      reason: `nobody approved it in ${waiting.proposal.gate.expiry_hours} hours`,
    });
    this.#waiting = null;
  }

  /** Reports to the webhook that a version waits. No decision waits for the report. */
  #notify(): void {
    const waiting = this.#waiting!;
    const notice = makeNotice(waiting);
    this.#waiting = { ...waiting, notices: notice.reminder + 1 };
    this.#notices++;
    void sendNotice(notice, `that version ${waiting.proposal.version} waits for approval`).finally(
      () => void this.#notices--,
    );
  }

  /** Notes that a newer build takes the place of one that waits, or would wait. */
  async #supersede(older: Proposal, newer: Build): Promise<PromotionOutcome> {
    const reason = `${describeBuild(newer)} is newer`;
    const id = `superseded ${nameBuild(older)} by ${nameBuild(newer)}`;
    const event = await this.#note(older, 'superseded', { id, by: 'gate', reason });
    return this.#outcomeOf({ event, warnings: [] });
  }

  /** A build that waits is no longer the published one where a newer build of its version was proposed. */
  async #endReplaced(newer: Build): Promise<void> {
    const waiting = this.#waiting?.proposal;
    if (waiting?.version !== newer.version || waiting.seq >= newer.seq) return;
    this.#waiting = null;
    await this.#supersede(waiting, newer);
  }

  async #note(
    { version, seq, decision }: Proposal,
    action: NoteRequest['action'],
    how: Pick<NoteRequest, 'id' | 'by' | 'reason'>,
  ): Promise<PromotionEvent> {
    const build = { version, seq };
    const event = await note_promotion.executeWithOptions(
      { summary: `${describeBuild(build)} is ${action}`, ...this.#heartbeat },
      [{ pipeline: this.#pipeline, ...how, action, build, decision }],
    );
    this.#keep(event);
    return event;
  }

  /** The champion may have changed. What waits and is older, or is the champion now, waits no more. */
  async #entered({ event, alias }: Pick<Entered, 'event' | 'alias'>): Promise<void> {
    this.#keep(event);
    if (event.action === 'held' && isSameBuild(this.#waiting?.proposal ?? null, event))
      this.#waiting = null;
    if (!makesChampion(event.action)) return;
    const champion = { version: event.version, seq: event.seq };
    this.#view.champion = champion;
    if (alias === 'later') await this.#followLater(champion);
    const waiting = this.#waiting?.proposal;
    if (waiting === undefined) return;
    if (isSameBuild(waiting, champion)) this.#waiting = null;
    else if (event.action === 'promoted' && byVersion(waiting, champion) < 0) {
      this.#waiting = null;
      await this.#supersede(waiting, champion);
    }
  }

  /** Points the alias at the champion as soon as tracking is available, in a workflow that this one does not wait for. */
  async #followLater(build: Build): Promise<void> {
    const pipeline = this.#pipeline;
    const { version, seq } = build;
    try {
      await startChild(logVersion, {
        workflowId: `${pipeline}-champion-${nameBuild(build)}`,
        parentClosePolicy: 'ABANDON',
        cancellationType: 'ABANDON',
        staticSummary: `${pipeline} · alias of the champion, version ${version}`,
        args: [{ pipeline, version, seq, ...this.#folder() }],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  async #answer({ replyTo }: Proposal, outcome: PromotionOutcome): Promise<void> {
    if (replyTo === undefined) return;
    this.#show();
    try {
      await getExternalWorkflowHandle(replyTo).signal(promotionAnswered, outcome);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.info('the workflow that proposed the build has ended', { replyTo });
    }
  }

  #outcomeOf({
    event,
    alias,
    warnings,
  }: Pick<Entered, 'event' | 'warnings'> & Partial<Pick<Entered, 'alias'>>): PromotionOutcome {
    const { action, reason } = event;
    const pointed = alias === undefined || action !== 'promoted' ? {} : { alias };
    return { ...this.#outcome(event, { state: action, reason }), ...pointed, warnings };
  }

  #outcome(
    { version, seq }: Build,
    { state, reason }: Pick<PromotionOutcome, 'state' | 'reason'>,
  ): PromotionOutcome {
    return { version, seq, state, reason, champion: this.#view.champion, warnings: [] };
  }

  #keep(event: PromotionEvent): void {
    const { events } = this.#view;
    if (events.some(({ number }) => number === event.number)) return;
    events.push(event);
    if (events.length > SHOWN) events.shift();
  }

  #folder(): { trackingFolder?: string } {
    return this.#trackingFolder === undefined ? {} : { trackingFolder: this.#trackingFolder };
  }

  #doing(sentence: string): void {
    this.#view.doing = sentence;
    this.#show();
  }

  #show(): void {
    this.#view.waiting = this.#waiting && toWaitingView(this.#waiting);
    this.#display.show(this.#view);
  }
}

function byVersion(a: Build, b: Build): number {
  return a.version - b.version || a.seq - b.seq;
}

/** `build 3.1`. */
function describeBuild(build: Build): string {
  return `build ${nameBuild(build)}`;
}

/** Whether a person means this build: without its number, any build of the version. */
function isAbout({ version, seq }: Pick<Verdict, 'version' | 'seq'>, build: Build): boolean {
  return build.version === version && (seq === undefined || build.seq === seq);
}

function toPersonAnswer({ event, alias, warnings }: Omit<Entered, 'answer'>): PersonAnswer {
  return { ...event, ...(event.action === 'held' ? {} : { alias }), warnings };
}

/** The subject of a change, as part of an event's id. */
function describeChange({ action, version }: ChampionChange): string {
  return `${action} ${version ?? ''}`;
}

function now(): string {
  return new Date().toISOString();
}

function refuse(sentence: string): Error {
  return makeFailure(sentence, 'Conflict', {});
}

function explain(error: unknown): string {
  const failure = toWorkflowFailure(error, undefined);
  return failure instanceof Error ? failure.message : String(failure);
}
