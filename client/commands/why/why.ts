import type { Command } from 'commander';
import type { Config } from '../../../config/environment.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { parseBatch, withSet } from '../../arguments.ts';
import { readChampion } from '../../../store/champion-call.ts';
import { formatTable } from '../../format.ts';
import { describeProducer, describeReasons } from '../../origin.ts';
import { print, printJson } from '../../print.ts';
import { readRunParams, withStoreSession } from '../../session.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../../context.ts';
import type { StagePlan } from './plan.ts';

interface WhyFlags extends CommonFlags {
  set?: Record<string, unknown>;
}

interface WhyRequest {
  pipeline: string;
  batch: number;
  set: Record<string, unknown>;
  json?: boolean | undefined;
}

export function whyCommand(context: CommandContext): Command {
  return withSet(pipelineCommand('why'), 'override a param, as for "run"; repeatable')
    .argument('<N>', 'the batch, from 1', parseBatch)
    .addHelpText('after', examples('why 2', 'why 2 --set model.max_depth=3 --json'))
    .action(async (batch: number, { pipeline, set, json }: WhyFlags) => {
      const config = await context.configure(pipeline, set);
      const asked = { pipeline: config.pipeline, batch, set: set ?? {}, json };
      process.exitCode = await why(config, asked);
    });
}

/** `why N`: what a run of a batch would take from the cache, and why the rest would run. */
async function why(config: Config, request: WhyRequest): Promise<number> {
  const { pipeline, batch, set, json } = request;
  const { planRun } = await import('./plan.ts');
  return withStoreSession(config, async (session) => {
    const { store } = session;
    const { params, ledger } = await readRunParams(session, set);
    const last = await store.records.readLatest(pipeline, batch);
    const { sources, scratch } = config;
    const now = (await store.champions.read(pipeline))?.champion ?? null;
    const champion = await readChampion(store, { pipeline, batch, champion: now });
    const asked = { batch, params, ledger, last, champion, sources, scratch };
    const stages = await planRun(store.cache, asked);
    const version = last === undefined ? null : { version: last.version, build: last.seq };
    if (json === true) printJson({ pipeline, batch, version, params, stages });
    else print(`${formatHeading(request, last)}\n\n${formatStages(stages)}`);
    return 0;
  });
}

function formatHeading({ pipeline, batch }: WhyRequest, last: VersionRecord | undefined): string {
  const compared = last === undefined ? 'never built' : `compared with build ${batch}.${last.seq}`;
  return `${pipeline} · batch ${batch}   ${compared}`;
}

function formatStages(stages: readonly StagePlan[]): string {
  return formatTable(
    ['stage', 'state', 'why'],
    stages.map(({ stage, cachedFrom, because }) =>
      cachedFrom === null
        ? [stage, 'to run', describeReasons(because)]
        : [stage, 'cached', `from ${describeProducer(cachedFrom)}`],
    ),
  );
}
