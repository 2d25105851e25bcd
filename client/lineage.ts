import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/environment.ts';
import { messageOf, SetupError } from '../contract/failures.ts';
import { soundRecord } from '../store/record-check.ts';
import { readLineage } from './lineage/graph.ts';
import { lineageMermaid } from './lineage/mermaid.ts';
import { lineageSvg } from './lineage/svg.ts';
import { lineageText } from './lineage/text.ts';
import { printJson, say } from './print.ts';
import { openSession } from './session.ts';

export interface LineageOptions {
  pipeline: string;
  version: number;
  json?: boolean | undefined;
  mermaid?: boolean | undefined;
  /** The file to draw into. */
  svg?: string | undefined;
}

/** `lineage N`: what a version was made of, from its scores down to the raw data, with hashes. */
export async function lineage(
  config: Config,
  { pipeline, version, json, mermaid, svg }: LineageOptions,
): Promise<number> {
  const session = await openSession(config, { check: ['storage'] });
  try {
    const record = await soundRecord(session.store, pipeline, version);
    const graph = await readLineage(session.store, record);
    if (svg !== undefined) await draw(svg, lineageSvg(graph));
    if (json === true) printJson(graph);
    else if (mermaid === true) process.stdout.write(`${lineageMermaid(graph)}\n`);
    else if (svg === undefined) process.stdout.write(`${lineageText(graph)}\n`);
    return 0;
  } finally {
    await session.close();
  }
}

async function draw(path: string, svg: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, svg);
  } catch (error) {
    throw new SetupError(`${path} cannot be written (${messageOf(error)}): choose another file`, {
      cause: error,
    });
  }
  say(`drawn into ${path}`);
}
