import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { drawPlots } from './plots.ts';

const file = fileURLToPath(new URL('./results.json', import.meta.url));

/**
 * Enters what a benchmark measured under its name in bench/results.json, beside the others', and draws it.
 */
export function keepResults(name: string, measured: unknown): void {
  const all = readAll();
  all[name] = {
    at: new Date().toISOString(),
    machine: { cores: cpus().length, cpu: cpus()[0]?.model ?? '', node: process.version },
    measured,
  };
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  drawPlots(name, measured);
}

function readAll(): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** What a list of measurements comes to. Shared machines are noisy: quote the median. */
export interface Spread {
  runs: number;
  min: number;
  median: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  return { runs: sorted.length, min: sorted[0]!, median: middle, max: sorted.at(-1)! };
}
