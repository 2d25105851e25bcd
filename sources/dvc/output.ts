import { readFile } from 'node:fs/promises';
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
    throw new BadData(`${source} names ${out.md5}, which is no MD5: run "dvc commit" anew`);
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
