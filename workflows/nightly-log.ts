import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
} from '@temporalio/workflow';
import type {
  NightlyLine,
  NightlySummary,
  PendingBatches,
  PinnedNightly,
} from '../contract/nightly.ts';
import { makeFailure } from './failure.ts';
import { escapeMarkdown, markdownTable } from '../contract/markdown.ts';
import { formatScore } from '../contract/metric-sets.ts';
import type { PromotionOutcome } from '../contract/promotion.ts';

const MARKS: Record<NightlyLine['state'], string> = {
  running: '▸',
  elsewhere: '▸',
  done: '✔',
  failed: '✖',
};

const OUTCOMES: Record<PromotionOutcome['state'], string> = {
  promoted: 'promoted',
  held: 'held',
  rejected: 'rejected',
  expired: 'expired',
  superseded: 'superseded',
  rolled_back: 'rolled back',
  waiting: 'waiting for approval',
  champion: 'champion already',
  proposed: 'proposed',
};

/** What is known of a batch that was run. */
interface DoneFacts {
  score?: NightlyLine['score'] | undefined;
  promotion?: PromotionOutcome | undefined;
}

/** Keeps the summary that `nightlyProgress` shows and the run returns, and reports each change. */
export class NightlyLog {
  readonly summary: NightlySummary;
  readonly #report: (details: string) => void;
  readonly #kind: string;
  readonly #failOnQuarantine: boolean;

  /** @param report shows Markdown in the Web UI */
  constructor(
    { pipeline, rebuild, failOnQuarantine = false }: PinnedNightly,
    report: (details: string) => void,
  ) {
    this.#report = report;
    this.#failOnQuarantine = failOnQuarantine;
    this.#kind = rebuild ? 'stale' : 'pending';
    this.summary = {
      pipeline,
      state: 'looking for what is new',
      batches: [],
      waiting: 0,
      warnings: [],
      quarantined: [],
    };
    this.#show();
  }

  get doneCount(): number {
    return this.summary.batches.filter(({ state }) => state === 'done').length;
  }

  isDone(batch: number): boolean {
    return this.summary.batches.some((line) => line.batch === batch && line.state === 'done');
  }

  found({ batches, more, warnings, quarantined }: PendingBatches): void {
    if (quarantined !== undefined) this.summary.quarantined = quarantined;
    this.summary.waiting = batches.filter(({ batch }) => !this.isDone(batch)).length + more;
    this.#warn(warnings);
    this.#show();
  }

  /** Adds warnings that are new. A run repeats those about the source, and those of earlier batches. */
  #warn(warnings: readonly string[]): void {
    const all = this.summary.warnings;
    const known = new Set(all.map(removeOrigin));
    for (const warning of warnings) {
      const text = removeOrigin(warning);
      if (known.has(text)) continue;
      known.add(text);
      all.push(warning);
    }
  }

  running(batch: number): void {
    this.#line(batch).state = 'running';
    this.summary.state = `batch ${batch} is running`;
    this.#show();
  }

  elsewhere(batch: number): void {
    this.#line(batch).state = 'elsewhere';
    this.summary.state = `batch ${batch} is being run by another workflow, which this one waits for`;
    this.#show();
  }

  /** @param warnings those of the run, which repeat the ones about the source */
  done(
    batch: number,
    { score, promotion }: DoneFacts = {},
    warnings: readonly string[] = [],
  ): void {
    Object.assign(this.#line(batch), {
      state: 'done',
      ...(score === undefined ? {} : { score }),
      ...(promotion === undefined ? {} : { promotion }),
    });
    this.#warn(warnings.map((warning) => `batch ${batch}: ${warning}`));
    this.summary.waiting = Math.max(0, this.summary.waiting - 1);
    this.#show();
  }

  /**
   * Ends the nightly after its last batch.
   * @throws ApplicationFailure when a file is quarantined and that fails a nightly
   */
  finish(): NightlySummary {
    const { batches, pipeline, quarantined } = this.summary;
    const numbers = batches.map(({ batch }) => batch);
    const done =
      numbers.length === 0
        ? `nothing to do: no batch of ${pipeline} is ${this.#kind}`
        : `${numbers.length === 1 ? 'batch' : 'batches'} ${formatRanges(numbers)} of ${pipeline} done`;
    this.summary.state = `${done}${describePromotions(batches)}${describeQuarantined(quarantined)}`;
    this.#show();
    if (quarantined.length > 0 && this.#failOnQuarantine) throw this.#end('Quarantined');
    return this.summary;
  }

  /** The failure that ends the nightly. Its details are the summary. */
  fail(batch: number, error: unknown): ApplicationFailure {
    const because = explainError(error);
    Object.assign(this.#line(batch), { state: 'failed', because });
    const waiting = Math.max(0, this.summary.waiting - 1);
    this.summary.waiting = waiting;
    const others =
      waiting === 0 ? '' : `; ${waiting} ${waiting === 1 ? 'batch waits' : 'batches wait'} for it`;
    this.summary.state = `batch ${batch} of ${this.summary.pipeline} failed: ${because}${others}`;
    this.#show();
    return this.#end('BatchFailed');
  }

  #end(type: string): ApplicationFailure {
    return makeFailure(this.summary.state, type, this.summary);
  }

  #line(batch: number): NightlyLine {
    const known = this.summary.batches.find((line) => line.batch === batch);
    if (known !== undefined) return known;
    const line: NightlyLine = { batch, state: 'running' };
    this.summary.batches.push(line);
    return line;
  }

  #show(): void {
    const { pipeline, state, batches, waiting, warnings } = this.summary;
    const isDecided = batches.some(({ promotion }) => promotion !== undefined);
    const rows = batches.map(({ batch, state: at, score, promotion }) => [
      String(batch),
      `${MARKS[at]} ${at}`,
      score === undefined ? '' : formatScore(score.value),
      ...(isDecided
        ? [promotion === undefined ? '' : escapeMarkdown(describeOutcome(promotion))]
        : []),
    ]);
    const heading = batches.find(({ score }) => score !== undefined)?.score?.name ?? 'score';
    const head = ['batch', 'state', heading, ...(isDecided ? ['champion'] : [])];
    const table = rows.length === 0 ? '' : markdownTable(head, rows);
    const notes = warnings.map((warning) => `- ⚠ ${escapeMarkdown(warning)}`).join('\n');
    this.#report(
      [
        `**${escapeMarkdown(pipeline)}**: ${escapeMarkdown(state)}`,
        table,
        waiting === 0 ? '' : `${waiting} to do`,
        notes,
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
    );
  }
}

/**
 * `; version 3 promoted: it is not shown to be worse`. Of several versions with one outcome and different reasons, only
 * the reason of the last is given, with its version.
 */
function describePromotions(lines: readonly NightlyLine[]): string {
  const outcomes = lines.flatMap(({ promotion }) => promotion ?? []);
  const states = [...new Set(outcomes.map(({ state }) => state))];
  const groups = states.map((state) => {
    const alike = outcomes.filter((outcome) => outcome.state === state);
    const numbers = formatRanges(alike.map(({ version }) => version));
    const { reason, version } = alike.at(-1)!;
    const isCommon = alike.every((one) => one.reason === reason);
    const why = isCommon ? `: ${reason}` : ` (version ${version}: ${reason})`;
    return `; ${alike.length === 1 ? 'version' : 'versions'} ${numbers} ${OUTCOMES[state]}${why}`;
  });
  return groups.join('');
}

/** `promoted: it is not shown to be worse`. */
function describeOutcome({ state, reason }: PromotionOutcome): string {
  return `${OUTCOMES[state]}: ${reason}`;
}

/** `; 1 file is quarantined: x.csv (it is empty)`; empty if there is none. The first is named, the others are counted. */
function describeQuarantined([first, ...more]: NightlySummary['quarantined']): string {
  if (first === undefined) return '';
  const files = more.length === 0 ? '1 file is' : `${more.length + 1} files are`;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `; ${files} quarantined: ${first.name} (${first.reason})${others}`;
}

function explainError(error: unknown): string {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof CancelledFailure) return 'it was cancelled';
  if (cause instanceof TerminatedFailure) return 'it was terminated';
  const [facts] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  const stage = (facts as { stage?: string | null } | undefined)?.stage;
  const message = cause instanceof Error ? cause.message : String(cause);
  return stage == null ? message : `${stage}: ${message}`;
}

/** `1–3, 5` of numbers in order. */
export function formatRanges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([a, b]) => (a === b ? String(a) : `${a}–${b}`)).join(', ');
}

/** The text of a warning without the batch and the stage that give it. */
function removeOrigin(warning: string): string {
  return warning.replace(/^batch \d+: (?:[a-z_]+: )?/, '');
}
