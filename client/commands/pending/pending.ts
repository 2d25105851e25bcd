import type { Command } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { withSet } from '../../arguments.ts';
import type { ArrivedBatch } from './looking.ts';
import { formatTable } from '../../format.ts';
import { print, printJson, say } from '../../print.ts';
import { readRunParams, withStoreSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';

export function pendingCommand(context: CommandContext): Command {
  return withSet(pipelineCommand('pending'), 'override a param, as for "run"; repeatable')
    .addHelpText('after', examples('pending', 'pending --pipeline sales --json'))
    .action(async ({ pipeline, set, json }: CommonFlags & { set?: Record<string, unknown> }) => {
      const config = await context.configure(pipeline, set);
      process.exitCode = await listPending(config, {
        pipeline: config.pipeline,
        set: set ?? {},
        json,
      });
    });
}

export interface PendingOptions {
  pipeline: string;
  set: Record<string, unknown>;
  json?: boolean | undefined;
}

/**
 * `pending`: the batches that have data and no version, as this machine sees the source. Nothing is stored:
 * only a run or a nightly stores new data.
 */
export async function listPending(config: Config, options: PendingOptions): Promise<number> {
  const { pipeline, set, json } = options;
  const { sources, scratch, cache } = config;
  const { isPlace } = await import('../../../sources/arrivals/open-place.ts');
  const { checkFrozen } = await import('../../../sources/frozen.ts');
  const { waitingSentence } = await import('../../../sources/append-only/table.ts');
  const { LocalCache } = await import('../../../store/local-cache.ts');
  const { computeHere } = await import('./looking.ts');
  const { listArrivedFiles } = await import('./arrived-files.ts');
  const { listArrivedRows } = await import('./arrived-rows.ts');
  return withStoreSession(config, async (session) => {
    const { store } = session;
    const [{ params, ledger }, versions] = await Promise.all([
      readRunParams(session, set),
      store.records.list(pipeline),
    ]);
    if (ledger !== undefined && ledger.batches.length > 0) checkFrozen(ledger, params);
    const deps = { store, local: new LocalCache(cache), compute: computeHere };
    const look = isPlace(params.data.source) ? listArrivedFiles : listArrivedRows;
    const arrived = await look({ deps, sources, scratch, ledger, params });
    const built = new Set(versions.map(({ version }) => version));
    const batches = arrived.batches.filter(({ batch }) => !built.has(batch));
    const { waiting, warnings } = arrived;
    if (json === true) printJson({ pipeline, batches, waiting, warnings });
    else {
      for (const warning of warnings) say(warning, 'warning');
      if (batches.length > 0) print(formatBatches(batches));
      else say(`nothing is pending: each batch of ${pipeline} that has arrived has a version`);
      if (waiting > 0) {
        const settings = { batch_size: params.data.batch_size };
        say(waitingSentence({ last: arrived.batches.length, waiting }, { pipeline, settings }));
      }
    }
    return 0;
  });
}

function formatBatches(batches: readonly ArrivedBatch[]): string {
  const files = batches.some(({ file }) => file !== null);
  return formatTable(
    ['batch', 'rows', ...(files ? ['file'] : []), 'data'],
    batches.map(({ batch, rows, file, isNew }) => [
      batch,
      rows,
      ...(file === null ? [] : [file]),
      isNew ? 'new' : 'known',
    ]),
  );
}
