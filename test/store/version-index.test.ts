import { describe, expect, it } from 'vitest';
import type { VersionRecord } from '../../store/version-record.ts';
import { isLineOf, lineOf, type VersionLine } from '../../store/version-index.ts';
import { draftRecord, makeEntry, stageOf } from './made-records.ts';

type Facts = VersionRecord['comparisons'][number]['facts'];

const recordOf = (parts: Partial<VersionRecord> = {}): VersionRecord => ({
  schema: 3,
  seq: 1,
  ...draftRecord({ build: 'b', metrics: { accuracy: 0.9 }, ...parts }),
  ...parts,
});

const stage = (name: string, facts: VersionRecord['stages'][number]['facts']) => ({
  ...stageOf(makeEntry(name, 1, {})),
  facts,
});

/** A comparison with build 2 of version 1. */
const compared = (facts: Facts, role: 'before' | 'champion' = 'before') => ({
  version: 1,
  seq: 2,
  roles: [role],
  facts,
});

describe('the line of a build', () => {
  it('has its train rows, its scores and where it was logged', () => {
    const mlflow = {
      tracking_uri: 'u',
      experiment_id: 'e',
      run_id: 'r',
      model_name: 'm',
      model_version: '7',
    };
    const stages = [stage('evaluate', { rows: 9 }), stage('train', { rows: 105 })];
    expect(lineOf(recordOf({ version: 3, seq: 2, stages, mlflow }))).toEqual({
      version: 3,
      seq: 2,
      created_at: '2026-01-01T00:00:00.000Z',
      rows: 105,
      metrics: { accuracy: 0.9 },
      model_version: '7',
      run_id: 'r',
      ledger_revision: 1,
      params: { data: {}, model: {} },
      outcome: null,
      compared: null,
    });
    expect(lineOf(recordOf())).toMatchObject({ rows: 0, model_version: null, run_id: null });
  });

  it.each([
    ['promote', 'promote'],
    ['hold', 'hold'],
    ['another word', null],
  ])('says of a gate that said %s: %s', (outcome, said) => {
    expect(lineOf(recordOf({ stages: [stage('gate', { outcome })] })).outcome).toBe(said);
  });

  it('has the difference from the build before on the same rows', () => {
    const facts = { rows: 30, accuracy: 0.75, own_accuracy: 1, accuracy_change: 'better' };
    const line = lineOf(recordOf({ comparisons: [compared(facts)] }));
    expect(line.compared).toEqual({
      version: 1,
      seq: 2,
      rows: 30,
      score: 'accuracy',
      by: 0.25,
      verdict: 'better',
    });
  });

  it.each<[string, Partial<VersionRecord>]>([
    ['only with the champion', { comparisons: [compared({ rows: 30, accuracy: 1 }, 'champion')] }],
    ['on rows that are not counted', { comparisons: [compared({ accuracy: 1 })] }],
    ['with a build that has no such score', { comparisons: [compared({ rows: 30, f1: 1 })] }],
    ['without scores', { metrics: {}, comparisons: [compared({ rows: 30, accuracy: 1 })] }],
  ])('has no difference where the build was compared %s', (_, parts) => {
    expect(lineOf(recordOf(parts)).compared).toBeNull();
  });
});

describe('a line is that of a record', () => {
  const record = recordOf({
    stages: [stage('gate', { outcome: 'promote' })],
    comparisons: [compared({ rows: 30, accuracy: 0.5 })],
  });
  const line = lineOf(record);

  it('wherever it is logged now', () => {
    expect(isLineOf({ ...line, run_id: 'another', model_version: '9' }, record)).toBe(true);
  });

  it.each(['ledger_revision', 'params', 'outcome', 'compared'] as const)(
    'where an earlier program left out its %s',
    (name) => expect(isLineOf({ ...line, [name]: null }, record)).toBe(true),
  );

  it.each(
    Object.entries<Partial<VersionLine>>({
      version: { version: 9 },
      seq: { seq: 9 },
      created_at: { created_at: '2026-01-02T00:00:00.000Z' },
      rows: { rows: 9 },
      metrics: { metrics: { accuracy: 0.8 } },
      ledger_revision: { ledger_revision: 9 },
      params: { params: { data: {}, model: { max_depth: 9 } } },
      outcome: { outcome: 'hold' },
      compared: { compared: { ...line.compared!, by: 0.1 } },
    }),
  )('only if its %s is the same', (_, other) => {
    expect(isLineOf({ ...line, ...other }, record)).toBe(false);
  });
});
