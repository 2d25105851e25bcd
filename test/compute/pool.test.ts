import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool, type ComputePool } from '../../compute/pool.ts';
import type { Progress } from '../../compute/progress.ts';
import { trainingInput } from './training-input.ts';

let pool: ComputePool;
const folder = mkdtempSync(join(tmpdir(), 'compute-'));
beforeAll(() => {
  pool = openPool({ threads: 1 });
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
/** The input with a new file to write the tree to. */
const into = (input: ReturnType<typeof trainingInput>) => ({
  ...input,
  into: join(folder, `${files++}.json`),
});

const never = new AbortController().signal;

describe('a long task in a thread', () => {
  it('tells how far it is while it runs: ever further, up to all its rows', async () => {
    const readings: Progress[] = [];
    const input = into(trainingInput(120_000, 8));
    const { facts } = await pool.compute('fitModel', input, never, (reading) =>
      readings.push(reading),
    );
    expect(readings.length).toBeGreaterThan(0);
    const fractions = readings.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(Math.max(...fractions)).toBeLessThanOrEqual(1);
    for (const { rows: done } of readings) expect(done ?? 0).toBeLessThanOrEqual(facts.rows);
  });

  it('is handed its parts, and has read them all', async () => {
    const input = into(trainingInput(200, 2));
    const [part] = input.parts;
    await pool.compute('fitModel', input, never);
    expect(part!.byteLength).toBe(0);
  });

  it('writes a model that was fitted as an ONNX file', async () => {
    const { into: model, ...input } = into(trainingInput(200, 2));
    const { encoder } = input;
    await pool.compute('fitModel', { ...input, into: model }, never);
    const asked = { type: 'decision_tree', model, encoder, cells: { missing: [''] } };
    const written = [`${model}.1`, `${model}.1`, `${model}.2`];
    for (const file of written)
      expect(await pool.compute('writeOnnx', { ...asked, into: file }, never)).toBeNull();
    const [first, , second] = written.map((file) => readFileSync(file));
    expect(first!.includes('TreeEnsemble')).toBe(true);
    expect(first).toEqual(second);
  });

  it('stops when its signal aborts, and the pool goes on', async () => {
    const abort = new AbortController();
    const input = into(trainingInput(120_000, 8));
    const running = pool.compute('fitModel', input, abort.signal, () => abort.abort());
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    const { facts } = await pool.compute('fitModel', into(trainingInput(200, 2)), never);
    expect(facts.rows).toBeGreaterThan(100);
  });

  it('lets short work of others pass, on a pool of one thread', async () => {
    const abort = new AbortController();
    const running = pool.compute('fitModel', into(trainingInput(120_000, 8)), abort.signal);
    const ended = running.then(
      () => 'fitted',
      () => 'stopped',
    );
    const { facts } = await pool.compute('fitModel', into(trainingInput(200, 2)), never);
    abort.abort();
    expect(facts.rows).toBeGreaterThan(100);
    expect(await ended).toBe('stopped');
  });
});
