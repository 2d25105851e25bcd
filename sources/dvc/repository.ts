import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { BadData, messageOf } from '../../contract/failures.ts';
import { readSmallFile } from '../../store/small-file.ts';

/** The one output of a `.dvc` file. */
export interface DvcOutput {
  md5: string;
  /** Whether DVC 2 computed the MD5. It hashed text with each CRLF replaced by LF. */
  old: boolean;
  /** Folders of a remote that may have it, the most likely first. */
  layouts: string[];
  /** The remote that is set for this output only. */
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
 * @throws BadData when it is not a .dvc file, or its output is a directory
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
    throw new BadData(`${source} names ${out.md5}, which is not an MD5: run "dvc commit" again`);
  const old = out.hash === undefined;
  const layouts = old ? ['', 'files/md5/'] : ['files/md5/', ''];
  return { md5: out.md5, old, layouts, remote: out.remote };
}

async function readYaml(file: string, source: string): Promise<unknown> {
  try {
    return parse(await readSmallFile(file));
  } catch (error) {
    throw new BadData(
      `${source} cannot be read as YAML (${messageOf(error).split('\n')[0]}): name the file that "dvc add" wrote`,
      { cause: error },
    );
  }
}

/** An S3 remote in the configuration of a repository. */
export interface DvcRemote {
  bucket: string;
  /** The prefix of every key. It ends in `/` or is empty. */
  prefix: string;
  endpoint?: string;
  region?: string;
}

/**
 * Finds the remote of the repository that a `.dvc` file is in. Only `.dvc/config` is read, because `config.local`
 * may hold secrets. https://dvc.org/doc/user-guide/data-management/remote-storage/amazon-s3
 * @param named the remote that is set for this output
 * @throws BadData when there is no repository, no remote, or a remote that is not S3
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
      `${source} is in a repository without a default remote: run "dvc remote add -d NAME s3://bucket/prefix" there, and "dvc push"`,
    );
  const remote = config.get(`remote "${name}"`);
  const url = remote?.get('url');
  if (url === undefined)
    throw new BadData(
      `${source} is in a repository whose .dvc/config has no remote "${name}": run "dvc remote add ${name} s3://bucket/prefix" there`,
    );
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? [];
  if (bucket === undefined)
    throw new BadData(
      `${source} is in a repository whose remote "${name}" is not S3 (${url.split('://')[0]}): push the file to a remote on S3, or run "dvc pull" and give the path of the file`,
    );
  const endpoint = remote?.get('endpointurl');
  if (endpoint !== undefined && (!/^https?:\/\//.test(endpoint) || endpoint.includes('@')))
    throw new BadData(
      `${source} is in a repository whose remote "${name}" has an endpointurl that is not an http(s) URL without credentials: correct it`,
    );
  const region = remote?.get('region');
  return {
    bucket,
    prefix: path === '' ? '' : `${path}/`,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  };
}

/** Reads the `.dvc/config` of the nearest DVC repository above the file. */
async function readConfig(file: string, source: string): Promise<string> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const config = join(folder, '.dvc', 'config');
    if ((await stat(config).catch(() => undefined))?.isFile() === true)
      return readSmallFile(config).catch((error: unknown) => {
        throw new BadData(
          `${source} is in a repository whose .dvc/config cannot be read (${messageOf(error)}): correct it`,
          { cause: error },
        );
      });
    if (dirname(folder) === folder)
      throw new BadData(
        `${source} is not in a DVC repository (no folder above it has .dvc/config): give a file inside one`,
      );
  }
}

/** Parses a configuration in Git's format: sections in brackets, then lines of `key = value`. */
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
