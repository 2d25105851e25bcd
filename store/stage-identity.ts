import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Params } from '../contract/params.ts';
import { estimatorOf } from '../pipeline/models/estimators.ts';
import { findShape, type StepName } from '../contract/stages.ts';
import type { StageIdentity } from './stage-cache.ts';

/** A stage's batch, params and inputs. `detail` is typed where the stage is run. */
interface Given {
  batch: number;
  params: Params;
  inputs: StageIdentity['inputs'];
  detail?: unknown;
}

/** Returns everything that the result of a stage depends on, as the stage graph lists it. */
export function identityOf(
  step: StepName,
  { batch, params, inputs, detail }: Given,
): StageIdentity {
  const shape = findShape(step);
  const ofModel = shape.modelLibraries === true ? estimatorOf(params.model).libraries : [];
  const libraries = [...shape.libraries, ...ofModel];
  return {
    stage: step,
    batch: shape.perBatch ? batch : null,
    code: shape.code,
    params: shape.params(params, detail as never),
    libraries: Object.fromEntries(libraries.map((name) => [name, versionOf(name)])),
    inputs,
  };
}

const require = createRequire(import.meta.url);
const known = new Map<string, string>();

/** Returns the installed version of a package. */
function versionOf(name: string): string {
  const version = known.get(name) ?? findVersion(name);
  known.set(name, version);
  return version;
}

/** Packages need not export their package.json, so it is looked for on the paths that resolve them. */
function findVersion(name: string): string {
  for (const folder of require.resolve.paths(name)!) {
    try {
      const text = readFileSync(join(folder, name, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${name} is not installed beside ${dirname(import.meta.url)}`);
}
