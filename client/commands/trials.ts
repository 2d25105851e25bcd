import type { Command } from 'commander';
import { parseVersion } from '../arguments.ts';
import { formatNumber, formatTable, formatUtc, nameScores } from '../format.ts';
import { print, printJson, say } from '../print.ts';
import { withStoreSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { RETRAIN } from '../../contract/command.ts';
import { nameBuild } from '../../contract/versions.ts';
import { findMetricSet } from '../../contract/metric-sets.ts';
import { formatTrialParams, type TrialParams } from '../../contract/trials.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';

export function trialsCommand(context: CommandContext): Command {
  return pipelineCommand('trials')
    .argument('[N]', 'the version, from 1 (default: all)', parseVersion)
    .addHelpText('after', examples('trials 2', 'trials --json'))
    .action(async (version: number | undefined, { pipeline, json }: CommonFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await listTrials(config, { version, json });
    });
}

/** A trial, as `--json` prints it. */
interface Trial {
  version: number;
  /** The number of its build, by which it is published. */
  trial: number;
  /** The params in which it differs from a plain run. */
  params: TrialParams;
  metrics: Record<string, number>;
  createdAt: string;
  /** Null for a trial that was not logged when it ended. */
  runId: string | null;
}

/** `trials [N]`: lists the recorded runs with other params that were not published, and the params that differ. */
async function listTrials(
  config: Config,
  { version, json }: { version: number | undefined; json?: boolean | undefined },
): Promise<number> {
  const { pipeline } = config;
  return withStoreSession(config, async ({ store: { records } }) => {
    const builds = await records.listBuilds({ pipeline, version }, ({ message }) =>
      say(message, 'warning'),
    );
    const trials = builds
      .filter(({ state }) => state === 'trial')
      .map(({ record }): Trial => ({
        version: record.version,
        trial: record.seq,
        params: record.trial ?? {},
        metrics: record.metrics,
        createdAt: record.created_at,
        runId: record.mlflow?.run_id ?? null,
      }));
    if (json === true) printJson({ pipeline, trials });
    else if (trials.length === 0)
      say(
        `${version === undefined ? pipeline : `version ${version} of ${pipeline}`} has no trials: make one with "${RETRAIN} run ${version ?? 1} --set model.max_depth=3 --pipeline ${pipeline}"`,
      );
    else {
      const published = builds.filter(({ state }) => state === 'published');
      print(
        formatTrials(
          trials,
          new Map(published.map(({ record }) => [record.version, record.metrics])),
        ),
      );
    }
    return 0;
  });
}

/** @param published the metrics of the published builds, by version */
function formatTrials(
  trials: readonly Trial[],
  published: ReadonlyMap<number, Record<string, number>>,
): string {
  const { headline, listed } = findMetricSet(trials.at(-1)!.metrics);
  return formatTable(
    ['trial', 'params', ...nameScores(listed), 'published as', 'made (UTC)'],
    trials.map(({ version, trial, params, metrics, createdAt }) => [
      nameBuild({ version, seq: trial }),
      formatTrialParams(params),
      ...listed.map(({ name }) => formatNumber(metrics[name])),
      formatNumber(published.get(version)?.[headline]),
      formatUtc(createdAt),
    ]),
  );
}
