import type { Command } from 'commander';
import { parseVersion, parseCount } from '../arguments.ts';
import { print, printJson, printModel, say } from '../print.ts';
import { withSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { type LogVersionInput, nameBuild } from '../../contract/versions.ts';
import { isDirectoryUri } from '../../tracking/place.ts';
import type { logVersion } from '../../workflows/index.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

interface PublishFlags extends CommonFlags {
  trial: number;
}

export function publishCommand(context: CommandContext): Command {
  return pipelineCommand('publish')
    .argument('<N>', 'the version, from 1', parseVersion)
    .requiredOption(
      '--trial <K>',
      'the number of the build, 3 for build 2.3 (required)',
      parseCount,
    )
    .addHelpText('after', examples('publish 2 --trial 3'))
    .action(async (version: number, { pipeline, trial, json }: PublishFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await publish(config, { version, trial, json });
    });
}

/**
 * `publish N --trial K`: makes a recorded build the published one of its version. Its model is registered if it was
 * not, and gets the alias of the batch. A worker does this, because it has the credentials.
 */
async function publish(
  config: Config,
  { version, trial: seq, json }: { version: number; trial: number; json?: boolean | undefined },
): Promise<number> {
  const { pipeline } = config;
  const { warnWithoutWorker } = await import('../waiting.ts');
  const { printOutcome } = await import('../result.ts');
  return withSession(config, ['temporal', 'storage', 'tracking'], async (session) => {
    const { records } = session.store;
    const name = nameBuild(await records.readBuild({ pipeline, version, seq }));
    const before = await records.readLatest(pipeline, version);
    const place = session.tracker.place();
    const input: LogVersionInput = {
      pipeline,
      version,
      seq,
      publish: true,
      ...(isDirectoryUri(place) ? { trackingFolder: place } : {}),
    };
    await warnWithoutWorker(session);
    const { mlflow, promotion = null } = await session.client.workflow.execute<typeof logVersion>(
      'logVersion',
      {
        workflowId: `${pipeline}-publish-${name}`,
        workflowIdConflictPolicy: 'USE_EXISTING',
        taskQueue: session.config.taskQueue,
        args: [input],
        staticSummary: `${pipeline} · publish build ${name}`,
      },
    );
    const previous = before?.seq ?? null;
    if (json === true) printJson({ pipeline, version, build: seq, previous, promotion, mlflow });
    else {
      print(`version ${version} of ${pipeline} is build ${seq} now`);
      if (previous !== null && previous !== seq)
        say(
          `it was build ${previous} before; to go back: ${RETRAIN} publish ${version} --trial ${previous} --pipeline ${pipeline}`,
        );
      if (promotion !== null) printOutcome(pipeline, promotion);
      printModel(mlflow);
    }
    return 0;
  });
}
