import type { Command } from 'commander';
import { parseBatch, withSet } from '../../arguments.ts';
import { describeStaleChampion, findStaleChampion } from '../../champion.ts';
import { printJson, say } from '../../print.ts';
import { withSession } from '../../session.ts';
import { listStale, describeStale } from '../../versions.ts';
import type { Config } from '../../../config/environment.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import type { AmendOptions } from './replace-batch.ts';
import { RETRAIN } from '../../../contract/command.ts';

interface AmendFlags extends CommonFlags {
  source: string;
  set?: Record<string, unknown>;
  rebuild?: boolean;
}

export function amendCommand(context: CommandContext): Command {
  return withSet(
    pipelineCommand('amend'),
    'override a param that says how the file is read, such as data.on_missing_column; repeatable',
  )
    .argument('<K>', 'the batch, from 1', parseBatch)
    .requiredOption('--source <file>', 'a CSV file with all rows of the batch (required)')
    .option('--rebuild', 'also build the stale versions again')
    .addHelpText(
      'after',
      examples('amend 2 --source ./batch-2.csv', 'amend 2 --source ./batch-2.csv --rebuild'),
    )
    .action(async (batch: number, { pipeline, source, set, rebuild, json }: AmendFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await amend(config, {
        pipeline: config.pipeline,
        batch,
        source,
        set: set ?? {},
        rebuild: rebuild === true,
        json,
      });
    });
}

/** `amend K --source FILE`: replaces the rows of a batch, and lists the versions that are stale afterwards. */
export async function amend(config: Config, options: AmendOptions): Promise<number> {
  const { pipeline, batch, rebuild, json } = options;
  const check: ('temporal' | 'storage')[] = rebuild ? ['temporal', 'storage'] : ['storage'];
  const { ledgerWith, replaceBatch } = await import('./replace-batch.ts');
  return withSession(config, check, async (session) => {
    const { store } = session;
    const before = await ledgerWith(session, options);
    const after = await replaceBatch(store, config, before, options);
    const changed = after.revision !== before.revision;
    const stale = await listStale(store, pipeline, after);
    const champion = await findStaleChampion(store, pipeline, after);
    if (json === true && !rebuild)
      printJson({ pipeline, batch, changed, ledgerRevision: after.revision, stale, champion });
    else {
      const { rows } = after.batches[batch - 1]!;
      say(
        changed
          ? `batch ${batch} of ${pipeline} has ${rows} rows now, from ledger revision ${after.revision} on`
          : `batch ${batch} of ${pipeline} holds these rows already: nothing is changed`,
      );
      for (const one of stale) say(describeStale(one));
      if (champion !== null) say(describeStaleChampion(pipeline, champion), 'warning');
      if (stale.length > 0 && !rebuild)
        say(
          `"${RETRAIN} run N --pipeline ${pipeline}" builds version N again, and "${RETRAIN} amend ${batch} --source FILE --rebuild --pipeline ${pipeline}" all of them; "${RETRAIN} diff N.1 N.2 --pipeline ${pipeline}" compares two builds`,
        );
    }
    if (!rebuild) return 0;
    const { runNightly } = await import('../../nightly-run.ts');
    return await runNightly(session, { pipeline, set: options.set, rebuild: true, json });
  });
}
