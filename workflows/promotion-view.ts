import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { canonicalJson } from '../contract/canonical-json.ts';
import { escapeMarkdown, markdownTable } from '../contract/markdown.ts';
import { nameBuild, writeAnswers } from '../contract/versions.ts';
import { formatScore } from '../contract/metric-sets.ts';
import {
  promotionIdOf,
  type Build,
  type GateDecision,
  type PinnedPromotion,
  type PromotionEvent,
  type PromotionView,
} from '../contract/promotion.ts';
import { setSearchAttributes } from './set-attributes.ts';

/** The most events that the details show. The record of promotions has all. */
const SHOWN = 10;

const ACTIONS: Record<PromotionEvent['action'], string> = {
  promoted: '✔ promoted',
  held: '· held',
  rejected: '✖ rejected',
  expired: '✖ expired',
  superseded: '· superseded',
  rolled_back: '↩ rolled back to',
};

/** Shows a promotion to people: details, a memo and search attributes. Only changes enter the history. */
export class PromotionDisplay {
  #searchAttributes: readonly string[] = [];
  #shown = '';

  constructor() {
    setCurrentDetails('its input is checked');
  }

  begin({ searchAttributes }: PinnedPromotion): void {
    this.#searchAttributes = searchAttributes;
  }

  show(view: PromotionView): void {
    const { pipeline, champion, waiting } = view;
    setCurrentDetails(writeDetails(view));
    const memo = { pipeline, champion, waiting: waiting === null ? null : pickBuild(waiting) };
    const outcome = waiting === null ? (view.events.at(-1)?.action ?? 'running') : 'waiting';
    const shown = canonicalJson({ memo, outcome });
    if (shown === this.#shown) return;
    this.#shown = shown;
    upsertMemo(memo);
    setSearchAttributes(this.#searchAttributes, {
      RetrainPipeline: pipeline,
      RetrainOutcome: outcome,
      ...(waiting === null ? {} : { RetrainBatch: waiting.version }),
    });
  }
}

/** The current details of a promotion in Markdown, for its page in Temporal's Web UI. */
function writeDetails(view: PromotionView): string {
  const { pipeline, champion, waiting, events, doing } = view;
  const name = `**${escapeMarkdown(pipeline)}**`;
  const who = champion === null ? 'there is no champion' : `the champion is ${describe(champion)}`;
  const state =
    doing ??
    (waiting === null
      ? who
      : `${describe(waiting)}, waits for approval since ${formatMinute(waiting.since)}${waiting.until === null ? '' : `, until ${formatMinute(waiting.until)}`}; ${who}`);
  return [
    `${name}: ${state}`,
    ...(waiting === null
      ? []
      : [...writeDecision(waiting.decision), writeHowTo(pipeline, waiting)]),
    writeEvents(events),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function writeDecision(decision: GateDecision): string[] {
  const { metric, rows, challenger_score, champion_score, low, high, p_value, champion } = decision;
  const score = (value: number | null): string => (value === null ? '' : formatScore(value));
  const interval = low === null || high === null ? '' : `${score(low)} to ${score(high)}`;
  const table =
    rows === 0
      ? ''
      : markdownTable(
          ['metric', 'test rows', 'challenger', 'champion', 'better by', 'p'],
          [
            [
              escapeMarkdown(metric),
              String(rows),
              score(challenger_score),
              score(champion_score),
              interval,
              score(p_value),
            ],
          ],
        );
  const isCompared = champion !== null && rows > 0;
  const against = isCompared ? ` It was compared with ${describe(champion)}.` : '';
  return [`The gate: ${escapeMarkdown(decision.reason)}.${against}`, table];
}

/** How a person approves or rejects: from a terminal, and by Temporal's own tools. */
function writeHowTo(pipeline: string, { version, seq }: Build): string {
  const { approve, reject } = writeAnswers(pipeline, { version, seq });
  const input = JSON.stringify({ version, seq, by: 'NAME', reason: 'REASON' });
  return [
    `- approve it: \`${approve}\``,
    `- reject it: \`${reject}\``,
    `- without this program: \`temporal workflow update execute --workflow-id ${promotionIdOf(pipeline)} --name approve --input '${input}'\``,
  ].join('\n');
}

function writeEvents(events: readonly PromotionEvent[]): string {
  if (events.length === 0) return '';
  const rows = events
    .slice(-SHOWN)
    .map(({ action, version, seq, at, by, reason }) => [
      ACTIONS[action],
      nameBuild({ version, seq }),
      formatMinute(at),
      escapeMarkdown(by),
      escapeMarkdown(reason),
    ]);
  return markdownTable(['what', 'build', 'when', 'by', 'why'], rows);
}

/** `2026-11-30 02:00 UTC`. @param at ISO 8601, UTC */
function formatMinute(at: string): string {
  return `${at.replace('T', ' ').slice(0, 16)} UTC`;
}

function describe({ version, seq }: Build): string {
  return `version ${version}, build ${seq}`;
}

function pickBuild({ version, seq }: Build): Build {
  return { version, seq };
}
