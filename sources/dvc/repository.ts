import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { BadData, messageOf } from '../../contract/failures.ts';

/** What a `.dvc` file says of its one output. */
export interface DvcOutput {
  md5: string;
  /** Whether the MD5 is that of DVC 2, which hashed text with its CRLFs turned to LFs. */
  old: boolean;
  /** Where a remote may have it, the likelier first. */
  layouts: string[];
  /** The remote of this output alone. */
  remote: string | undefined;
}

const fileSchema = z.object({
  outs: z
    .array(
      z.object({
        md5: z.string(),
        hash: z.string().optional(),
        path: z.string(),
        remote: z.string().optional(),
      }),
    )
    .length(1),
});

/**
 * Reads a `.dvc` file. https://dvc.org/doc/user-guide/project-structure/dvc-files
 * @throws BadData when it is none, or names a directory
 */
export async function readOutput(file: string, source: string): Promise<DvcOutput> {
  const parsed = fileSchema.safeParse(await readYaml(file, source));
  const [out] = parsed.success ? parsed.data.outs : [];
  if (out === undefined)
    throw new BadData(
      `${source} is not a .dvc file with one output and its md5: name the file that "dvc add" wrote`,
    );
  if (out.md5.endsWith('.dir'))
    throw new BadData(`${source} names a directory (${out.path}): name the .dvc file of one table`);
  if (!/^[0-9a-f]{32}$/.test(out.md5))
    throw new BadData(`${source} names ${out.md5}, which is no MD5: run "dvc commit" again`);
  const old = out.hash === undefined;
  const layouts = old ? ['', 'files/md5/'] : ['files/md5/', ''];
  return { md5: out.md5, old, layouts, remote: out.remote };
}

async function readYaml(file: string, source: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new BadData(
      `${source} is not YAML (${messageOf(error).split('\n')[0]}): name the file that "dvc add" wrote`,
      { cause: error },
    );
  }
}

/** An S3 remote as a repository's configuration names it. */
export interface DvcRemote {
  bucket: string;
  /** Of every key, ending in `/` unless empty. */
  prefix: string;
  endpoint?: string;
  region?: string;
}

/**
 * Finds the remote of the repository a `.dvc` file lies in. Only `.dvc/config` is read: what a person keeps
 * beside it (`config.local`) may hold secrets. https://dvc.org/doc/user-guide/data-management/remote-storage/amazon-s3
 * @param named the remote an output names for itself
 * @throws BadData when there is no repository, no remote, or one that is not S3
 */
export async function readRemote(
  file: string,
  source: string,
  named: string | undefined,
): Promise<DvcRemote> {
  const config = parseConfig(await readConfig(file, source));
  const name = named ?? config.get('core')?.get('remote');
  if (name === undefined)
    throw new BadData(
      `${source} lies in a repository that names no remote: run "dvc remote add -d NAME s3://bucket/prefix" there, and "dvc push"`,
    );
  const remote = config.get(`remote "${name}"`);
  const url = remote?.get('url');
  if (url === undefined)
    throw new BadData(
      `${source} lies in a repository whose .dvc/config has no remote "${name}": run "dvc remote add ${name} s3://bucket/prefix" there`,
    );
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? [];
  if (bucket === undefined)
    throw new BadData(
      `${source} lies in a repository whose remote "${name}" is not S3 (${url.split('://')[0]}): push the file to one that is, or "dvc pull" it and name its path`,
    );
  const endpoint = remote?.get('endpointurl');
  if (endpoint !== undefined && (!/^https?:\/\//.test(endpoint) || endpoint.includes('@')))
    throw new BadData(
      `${source} lies in a repository whose remote "${name}" has an endpointurl that is no plain http(s) URL: correct it`,
    );
  const region = remote?.get('region');
  return {
    bucket,
    prefix: path === '' ? '' : `${path}/`,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
}

/** The `.dvc/config` of the nearest folder above that is a DVC repository. */
async function readConfig(file: string, source: string): Promise<string> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const config = join(folder, '.dvc', 'config');
    if ((await stat(config).catch(() => undefined))?.isFile() === true)
      return readFile(config, 'utf8');
    if (dirname(folder) === folder)
      throw new BadData(
        `${source} lies in no DVC repository (no .dvc/config in a folder above it): name a file inside one`,
      );
  }
}

/** Git's way of writing a configuration, as DVC uses it: sections in brackets, then `key = value`. */
function parseConfig(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, section] = /^\s*\[\s*'?(.*?)'?\s*\]\s*$/.exec(line) ?? [];
    if (section !== undefined) {
      current = sections.get(section) ?? new Map<string, string>();
      sections.set(section, current);
      continue;
    }
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) current.set(key, value);
  }
  return sections;
}
