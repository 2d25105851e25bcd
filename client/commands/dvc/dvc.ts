import { Command } from 'commander';
import { join, relative, resolve } from 'node:path';
import { parseVersion } from '../../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../../context.ts';
import { print, printJson, say } from '../../print.ts';
import { withStoreSession } from '../../session.ts';
import { listVersions } from '../../versions.ts';
import type { Config } from '../../../config/environment.ts';
import { BadParams } from '../../../contract/failures.ts';
import { findStage } from '../../../contract/stages.ts';
import type { Store } from '../../../store/index.ts';
import type { MetricsFile } from '../../../store/metrics-file.ts';
import type { VersionRecord } from '../../../store/version-record.ts';

interface ExportFlags extends CommonFlags {
  out?: string;
  force?: boolean;
}

export function dvcCommand(context: CommandContext): Command {
  return new Command('dvc')
    .addHelpText('after', examples('dvc export 3 --out ../iris-dvc'))
    .addCommand(exportCommand(context));
}

function exportCommand(context: CommandContext): Command {
  return pipelineCommand('export', 'write a version as a DVC repository: dvc.yaml, dvc.lock, …')
    .argument('[N]', 'the version, from 1 (default: the latest)', parseVersion)
    .option('--out <dir>', 'the folder (default: dvc/<pipeline>)')
    .option('--force', 'overwrite files that were edited by hand')
    .addHelpText('after', examples('dvc export', 'dvc export 3 --out ../iris-dvc --json'))
    .action(async (version: number | undefined, { out, force, json, ...flags }: ExportFlags) => {
      const config = await context.configure(flags.pipeline);
      const { pipeline } = config;
      process.exitCode = await dvcExport(config, {
        pipeline,
        version,
        out: out ?? `dvc/${pipeline}`,
        root: context.root,
        force: force === true,
        json,
      });
    });
}

interface ExportRequest {
  pipeline: string;
  /** Undefined: the latest. */
  version?: number | undefined;
  /** The target, relative to the folder in which the command is run. */
  out: string;
  /** The project folder. */
  root: string;
  force: boolean;
  json?: boolean | undefined;
}

/** `dvc export`: writes a version as a DVC repository with the bucket as its remote. It copies no data. */
async function dvcExport(config: Config, request: ExportRequest): Promise<number> {
  const { pipeline, root, force, json } = request;
  const out = resolve(request.out);
  if (out === resolve(root))
    throw new BadParams(
      `--out ${request.out} is the project folder, and the export would overwrite its params.yaml: choose another folder`,
    );
  const { readSoundRecord } = await import('../../../store/record-check.ts');
  const { describeDvcFiles } = await import('./files.ts');
  const { isInGit, lockFolder, readIfThere, RECEIPT, writeFolder } = await import('./folder.ts');
  const { readVersion } = await import('./stages.ts');
  return withStoreSession(config, async (session) => {
    const { store } = session;
    const wanted = request.version ?? (await listVersions(store, pipeline)).at(-1)!;
    const version = await readVersion(
      store.artifacts,
      await readSoundRecord(store, pipeline, wanted),
    );
    const metrics = await readScores(store, version.record);
    const { seq } = version.record;
    const names = await lockFolder(out, async () => {
      const files = describeDvcFiles(version, metrics, {
        storage: config.storage,
        noScm: !isInGit(out),
        gitignore: (await readIfThere(join(out, '.gitignore'))) ?? '',
      });
      await writeFolder(out, files, { force, about: { pipeline, version: wanted, seq } });
      return [...files.keys(), RECEIPT];
    });
    if (json === true) printJson({ pipeline, version: wanted, out, files: names });
    else printNames(`version ${wanted} of ${pipeline}, build ${seq}`, out, names);
    return 0;
  });
}

async function readScores({ artifacts }: Store, { stages }: VersionRecord): Promise<MetricsFile> {
  const { readMetrics } = await import('../../../store/metrics-file.ts');
  const metrics = findStage(stages, 'evaluate')?.outputs.metrics;
  return metrics === undefined ? {} : readMetrics(await artifacts.get(metrics), metrics);
}

function printNames(what: string, out: string, names: readonly string[]): void {
  const folder = relative('', out) || '.';
  for (const name of names) print(join(folder, name));
  say(`${what}: fetch its files with "dvc pull" in ${folder} (credentials from the environment)`);
}
