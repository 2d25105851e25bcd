import type { Config } from '../config/environment.ts';
import { paramsOf } from '../pipeline/models/params.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { table } from './format.ts';
import { latestOf } from './versions.ts';
import { printJson } from './print.ts';
import { openSession } from './session.ts';
import { fromPhrase } from './why/origin.ts';
import { planOf } from './why/plan.ts';
import { phraseOf } from './why/reason.ts';
import type { StagePlan } from './why/stage-plan.ts';

export interface WhyRequest {
  pipeline: string;
  batch: number;
  set: Record<string, unknown>;
  json?: boolean | undefined;
}

/** `why N`: what a run of a batch would take from the cache, and why the rest would run. */
export async function why(config: Config, request: WhyRequest): Promise<number> {
  const { pipeline, batch, set, json } = request;
  const params = paramsOf(config.params, set);
  const session = await openSession(config, { check: ['storage'] });
  try {
    const { store } = session;
    const last = await latestOf(store.records, pipeline, batch);
    const stages = await planOf(store, { pipeline, batch, params, last, sources: config.sources });
    const version = last === undefined ? null : { version: last.version, build: last.seq };
    if (json === true) printJson({ pipeline, batch, version, params, stages });
    else process.stdout.write(`${headOf(request, last)}\n\n${tableOf(stages)}\n`);
    return 0;
  } finally {
    await session.close();
  }
}

function headOf({ pipeline, batch }: WhyRequest, last: VersionRecord | undefined): string {
  const compared =
    last === undefined ? 'never built' : `compared with version ${batch}.${last.seq}`;
  return `${pipeline} · batch ${batch}   ${compared}`;
}

function tableOf(stages: readonly StagePlan[]): string {
  return table(
    ['stage', 'would', ''],
    stages.map(({ stage, cachedFrom, because }) =>
      cachedFrom === null
        ? [stage, 'run', phraseOf(because)]
        : [stage, 'be cached', `from ${fromPhrase(cachedFrom)}`],
    ),
  );
}
