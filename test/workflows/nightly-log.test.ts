import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  TerminatedFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { PendingBatches, PinnedNightly } from '../../contract/nightly.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { NightlyLog } from '../../workflows/nightly-log.ts';

function open(more: Partial<PinnedNightly> = {}): { log: NightlyLog; shown: string[] } {
  const shown: string[] = [];
  const nightly = { pipeline: 'p', params: paramsSchema.parse({}), source: null, rebuild: false };
  const log = new NightlyLog({ ...nightly, ...more }, (details) => {
    shown.push(details.replaceAll('\u00a0', ' '));
  });
  return { log, shown };
}

const pending = (batches: number[], more: Partial<PendingBatches> = {}): PendingBatches => ({
  batches: batches.map((batch) => ({ batch })),
  more: 0,
  warnings: [],
  ...more,
});
const score = { name: 'accuracy', value: 0.5 };

describe('the log of a nightly', () => {
  it('counts what waits, batch after batch, and shows each change', () => {
    const { log, shown } = open();
    log.found(pending([1, 2], { more: 3 }));
    expect(log.summary.waiting).toBe(5);
    log.running(1);
    expect(log.summary.state).toBe('batch 1 is running');
    log.done(1, { score });
    expect(log.summary).toMatchObject({
      waiting: 4,
      batches: [{ batch: 1, state: 'done', score }],
    });
    expect([log.doneCount, log.isDone(1), log.isDone(2)]).toEqual([1, true, false]);
    log.elsewhere(2);
    expect(log.summary.state).toMatch(/^batch 2 is being run by another workflow/);
    expect(log.summary.batches[1]).toEqual({ batch: 2, state: 'elsewhere' });
    // A second look still names the batch that is done.
    log.found(pending([1, 2]));
    expect(log.summary.waiting).toBe(1);
    log.done(2);
    log.done(2);
    expect(log.summary.waiting).toBe(0);
    expect(shown).toHaveLength(8);
    expect(shown.at(-1)).toContain('✔ done');
    expect(shown.at(-1)).toContain('0.5000');
    expect(shown.at(-1)).toMatch(/ accuracy /);
    expect(shown.at(-1)).not.toContain('to do');
    expect(shown[1]).toContain('5 to do');
  });

  it('names what was promoted and what was held, and why', () => {
    const { log, shown } = open();
    const champion = { version: 2, seq: 1 };
    const outcome = { seq: 1, champion, warnings: [] };
    const reason = 'it is not shown to be worse';
    for (const version of [1, 2])
      log.done(version, { score, promotion: { ...outcome, version, state: 'promoted', reason } });
    const held = { ...outcome, version: 3, state: 'held', reason: 'its recall of <b> is worse' };
    log.done(3, { score, promotion: { ...held, state: 'held' } });
    expect(log.finish().state).toBe(
      'batches 1–3 of p done; versions 1–2 promoted: it is not shown to be worse; version 3 held: its recall of <b> is worse',
    );
    expect(shown.at(-1)).toContain('held: its recall of \\<b\\> is worse');
  });

  it('names the version whose reason it gives, where several have the same outcome', () => {
    const { log } = open();
    const outcome = { seq: 1, champion: { version: 2, seq: 1 }, warnings: [] };
    for (const [version, reason] of [
      [1, 'there is no champion yet'],
      [2, 'it is not shown to be worse'],
    ] as const)
      log.done(version, { score, promotion: { ...outcome, version, state: 'promoted', reason } });
    expect(log.finish().state).toBe(
      'batches 1–2 of p done; versions 1–2 promoted (version 2: it is not shown to be worse)',
    );
  });

  it('has every warning once, though looks and runs repeat it', () => {
    const { log } = open();
    log.found(pending([1], { warnings: ['a.csv is empty'] }));
    log.found(pending([1], { warnings: ['a.csv is empty', 'b.csv is empty'] }));
    log.done(1, {}, ['a single class', 'a single class']);
    expect(log.summary.warnings).toEqual([
      'a.csv is empty',
      'b.csv is empty',
      'batch 1: a single class',
    ]);
  });

  it('ends with the batches that are done, or with nothing to do', () => {
    const { log } = open();
    for (const batch of [1, 2, 3, 5]) log.done(batch, { score });
    expect(log.finish().state).toMatch(/^batches 1–3, 5 of p done$/);
    const one = open().log;
    one.done(4, { score });
    expect(one.finish().state).toBe('batch 4 of p done');
    expect(open().log.finish().state).toBe('nothing to do: no batch of p is pending');
    expect(open({ rebuild: true }).log.finish().state).toBe(
      'nothing to do: no batch of p is stale',
    );
  });

  it('fails with the sentence of the batch, and the batches that wait for it', () => {
    const { log } = open();
    log.found(pending([1, 2, 3]));
    log.running(1);
    const failure = log.fail(1, ApplicationFailure.create({ message: 'row 3 has no label' }));
    expect(failure).toMatchObject({
      message: 'batch 1 of p failed: row 3 has no label; 2 batches wait for it',
      type: 'BatchFailed',
      nonRetryable: true,
      stack: '',
      details: [
        { waiting: 2, batches: [{ batch: 1, state: 'failed', because: 'row 3 has no label' }] },
      ],
    });
    const two = open().log;
    two.found(pending([1, 2]));
    expect(two.fail(1, new Error('x')).message).toMatch(/; 1 batch waits for it$/);
    const last = open().log;
    last.found(pending([1]));
    expect(last.fail(1, ApplicationFailure.create({ message: 'x' })).message).toBe(
      'batch 1 of p failed: x',
    );
  });

  it('names the first file in quarantine, and fails only if it was asked to', () => {
    const quarantined = ['a.csv', 'b.csv'].map((name) => ({ name, reason: 'it is empty' }));
    const { log } = open();
    log.found(pending([], { quarantined }));
    expect(log.finish().state).toBe(
      'nothing to do: no batch of p is pending; 2 files are quarantined: a.csv (it is empty) and 1 more',
    );
    const strict = open({ failOnQuarantine: true }).log;
    expect(strict.finish().state).toMatch(/pending$/);
    strict.found(pending([], { quarantined: quarantined.slice(1) }));
    expect(() => strict.finish()).toThrow(
      expect.objectContaining({
        type: 'Quarantined',
        message: expect.stringMatching(
          /; 1 file is quarantined: b\.csv \(it is empty\)$/,
        ) as string,
      }) as Error,
    );
  });

  it.each([
    [new CancelledFailure('x'), 'it was cancelled'],
    [new TerminatedFailure('x'), 'it was terminated'],
    [ApplicationFailure.create({ message: 'm', details: [{ stage: 'train' }] }), 'train: m'],
    [ApplicationFailure.create({ message: 'm', details: [{ stage: null }] }), 'm'],
    [new Error('m'), 'm'],
    ['m', 'm'],
  ])('says why a batch failed (%#)', (cause, because) => {
    const { log } = open();
    const isError = cause instanceof Error;
    const ids = { workflowId: 'w', runId: 'r' };
    const retries = RetryState.NON_RETRYABLE_FAILURE;
    for (const error of isError
      ? [cause, new ChildWorkflowFailure('n', ids, 'trainBatch', retries, cause)]
      : [cause]) {
      log.fail(1, error);
      expect(log.summary.batches[0]!.because).toBe(because);
    }
  });
});
