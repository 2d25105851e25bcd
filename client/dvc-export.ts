import { join, relative, resolve } from 'node:path';
import { readMetrics, type MetricsFile } from '../store/metrics-file.ts';
import type { Config } from '../config/environment.ts';
import { BadParams } from '../contract/failures.ts';
import type { Store } from '../store/index.ts';
import { soundRecord } from '../store/record-check.ts';
import { filesOf } from './dvc/files.ts';
import { isInGit, inFolder, readIfThere, RECEIPT, writeFolder } from './dvc/folder.ts';
import { readVersion, type StoredVersion } from './dvc/version.ts';
import { noVersionYet } from './versions.ts';
import { printJson, say } from './print.ts';
import { openSession } from './session.ts';

export interface ExportRequest {
  pipeline: string;
  /** Undefined: the latest. */
  version?: number | undefined;
  /** Where to, from the folder the command is run in. */
  out: string;
  /** The project folder. */
  root: string;
  force: boolean;
  json?: boolean | undefined;
}

/** `dvc export`: writes a version as a DVC repository over the bucket. No data passes through here. */
export async function dvcExport(config: Config, request: ExportRequest): Promise<number> {
  const { pipeline, root, force, json } = request;
  const out = resolve(request.out);
  if (out === resolve(root))
    throw new BadParams(
      `--out ${request.out} is the project folder, whose params.yaml is the project's own: choose a folder for the export`,
    );
  const session = await openSession(config, { check: ['storage'] });
  try {
    const { store } = session;
    const wanted = request.version ?? (await latestVersion(store, pipeline));
    const version = await readVersion(store.artifacts, await soundRecord(store, pipeline, wanted));
    const metrics = await metricsOf(store, version);
    const { seq } = version.record;
    const names = await inFolder(out, async () => {
      const files = filesOf(version, metrics, {
        storage: config.storage,
        noScm: !isInGit(out),
        gitignore: (await readIfThere(join(out, '.gitignore'))) ?? '',
      });
      await writeFolder(out, files, { force, about: { pipeline, version: wanted, seq } });
      return [...files.keys(), RECEIPT];
    });
    if (json === true) printJson({ pipeline, version: wanted, out, files: names });
    else tell(`version ${wanted} of ${pipeline}, build ${seq}`, out, names);
    return 0;
  } finally {
    await session.close();
  }
}

async function latestVersion({ records }: Store, pipeline: string): Promise<number> {
  const last = (await records.list(pipeline)).at(-1);
  if (last === undefined) throw noVersionYet(pipeline);
  return last.version;
}

async function metricsOf({ artifacts }: Store, { stages }: StoredVersion): Promise<MetricsFile> {
  const [ref] = stages.find(({ name }) => name === 'evaluate')?.outputs ?? [];
  return ref === undefined ? {} : readMetrics(await artifacts.get(ref));
}

function tell(what: string, out: string, names: readonly string[]): void {
  const folder = relative('', out) || '.';
  for (const name of names) process.stdout.write(`${join(folder, name)}\n`);
  say(`${what}: bring its files with "dvc pull" in ${folder} (credentials from the environment)`);
}
