import type { Config } from '../config.ts';
import type { VersionLine } from '../store/records.ts';
import { number, table } from './display.ts';
import { printJson, say } from './print.ts';
import { openSession } from './session.ts';
import { staleness, staleOf } from './stale.ts';

/** `list`: the versions of a pipeline with their scores side by side. */
export async function list(
  config: Config,
  { pipeline, json }: { pipeline: string; json?: boolean | undefined },
): Promise<number> {
  const session = await openSession(config, { check: ['storage'] });
  try {
    const [versions, stale] = await Promise.all([
      session.store.records.list(pipeline),
      staleOf(session.store, pipeline),
    ]);
    if (json === true) printJson({ pipeline, versions, stale });
    else if (versions.length === 0) say(`${pipeline} has no version yet: make one with "run 1"`);
    else process.stdout.write(`${tableOf(versions)}\n`);
    if (json !== true) for (const one of stale) say(staleness(one), 'warning');
    return 0;
  } finally {
    await session.close();
  }
}

function tableOf(versions: readonly VersionLine[]): string {
  return table(
    [
      'version',
      'build',
      'accuracy',
      'balanced',
      'f1',
      'new batch',
      'train',
      'test',
      'model',
      'made',
    ],
    versions.map(({ version, seq, metrics, rows, run_id, model_version, created_at }) => [
      version,
      seq,
      number(metrics['accuracy']),
      number(metrics['balanced_accuracy']),
      number(metrics['f1_macro']),
      number(metrics['new_batch_accuracy']),
      rows,
      metrics['test_rows'] ?? 0,
      run_id === null ? 'not logged' : model_version === null ? '–' : `v${model_version}`,
      created_at.replace('T', ' ').slice(0, 16),
    ]),
  );
}
