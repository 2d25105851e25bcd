import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { drawPlots } from './plots.ts';

const file = fileURLToPath(new URL('./results.json', import.meta.url));

/**
 * Writes the measurements of a benchmark under its name into bench/results.json, and draws their plots. Every benchmark
 * takes `--quick`: its smaller measurements must not replace those of a full run.
 */
export function keepResults(name: string, measured: unknown): void {
  if (process.argv.includes('--quick')) {
    process.stderr.write(`${name}: --quick leaves bench/results.json and the plots as they are\n`);
    return;
  }
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
