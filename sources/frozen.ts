import { BadParams } from '../contract/failures.ts';
import { quoteList } from '../pipeline/csv/quote.ts';
import { predictsNumbers } from '../pipeline/batches/columns.ts';
import {
  FORMER_MISSING_VALUES,
  MISSING_VALUES,
  readNumberFormat,
  readSplit,
  taskOf,
  type Task,
} from '../contract/defaults.ts';
import { mergeParams, type Params } from '../contract/params.ts';
import { paramsOf } from '../pipeline/models/params.ts';
import { listChangedParams, type TrialParams } from '../contract/trials.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { hasArrivals, type Ledger } from '../store/ledger/ledger.ts';
import { sourceIdentity } from './identity.ts';

/** The settings of a pipeline in params.yaml. */
export interface PipelineParams {
  /** All settings: its own ones over those of the top of the file. */
  params: Record<string, unknown>;
  /** Its own settings: those of its section and, for the default pipeline, those of the top. */
  ownParams: Record<string, unknown>;
}

/**
 * Returns the params of a plain run of a pipeline. What is frozen comes from its ledger, unless the pipeline's own
 * settings name it: another value there is refused when the run reads its data.
 */
function makePlainParams(
  { params, ownParams }: PipelineParams,
  ledger: Ledger | undefined,
): Record<string, unknown> {
  if (ledger === undefined || ledger.batches.length === 0) return params;
  const data = params['data'] as Record<string, unknown> | undefined;
  // Column types are merged by name, and those at the top of params.yaml are for another pipeline's columns.
  const inherited = data === undefined ? params : { ...params, data: { ...data, columns: {} } };
  const known = mergeParams(inherited, listFrozen(ledger));
  return mergeParams(known, ownParams) as Record<string, unknown>;
}

/**
 * Returns the params of a run of a pipeline: what the caller asks for over those of a plain run.
 * @throws BadParams for params that no run can have
 */
export function makeRunParams(
  config: PipelineParams,
  ledger: Ledger | undefined,
  asked: unknown,
): Params {
  const params = paramsOf(makePlainParams(config, ledger), asked);
  return ledger === undefined ? params : keepFormerDefault(ledger, params);
}

/** The frozen settings of a pipeline, nested as in params.yaml. */
function listFrozen({ settings, location }: Ledger): object {
  const { kind, name } = settings.source;
  return {
    data: {
      source: location ?? (kind === 'folder' ? `${name}/` : name),
      delimiter: settings.delimiter,
      encoding: settings.encoding,
      target: settings.target,
      batch_size: settings.batch_size,
      shuffle_seed: settings.shuffle_seed,
      missing_values: settings.missing_values,
      decimal: settings.decimal,
      thousands: settings.thousands,
      columns: settings.declared ?? {},
    },
    split: {
      key: settings.split_key,
      by: settings.split_time === null ? 'hash' : 'time',
      time_column: settings.split_time,
    },
    model: { task: taskOfLedger(settings) },
  };
}

/** The params that define a pipeline. They are frozen once its first batch is cut. */
const FROZEN: ReadonlySet<string> = new Set([
  'data.source',
  'data.source_secret_env',
  'data.delimiter',
  'data.encoding',
  'data.target',
  'data.batch_size',
  'data.shuffle_seed',
  'data.missing_values',
  'data.decimal',
  'data.thousands',
  'data.columns',
  'split.key',
  'split.by',
  'split.time_column',
  'model.task',
]);

/** The params that say which files a pipeline accepts. What they accept stays in its ledger. */
const ACCEPTING: ReadonlySet<string> = new Set([
  'data.on_new_column',
  'data.on_missing_column',
  'data.columns_by',
  'arrivals.on_duplicate',
]);

/**
 * Returns the params in which a run is a trial: those that shape its result and differ from a plain run. Params that
 * say which data a pipeline has do not count, because a trial uses the pipeline's own data.
 * @returns undefined when the run is no trial
 */
export function findTrialParams(
  plain: Params,
  asked: Params,
  ledger: Ledger | undefined,
): TrialParams | undefined {
  const isFirst = ledger === undefined || ledger.batches.length === 0;
  const shaping = Object.entries(listChangedParams(plain, asked)).filter(
    ([name]) =>
      !FROZEN.has(name) &&
      !ACCEPTING.has(name) &&
      // The gate decides on a build, and makes no other one.
      !name.startsWith('gate.') &&
      !(isFirst && name.startsWith('data.')),
  );
  return shaping.length === 0 ? undefined : Object.fromEntries(shaping);
}

/**
 * Checks that a run asks for the settings its pipeline's batches were cut with.
 * @throws BadParams with the key, its frozen value and the requested value
 */
export function checkFrozen(ledger: Ledger, requested: Params): void {
  const { settings, pipeline } = ledger;
  const params = keepFormerDefault(ledger, requested);
  const { decimal, thousands } = readNumberFormat(params.data);
  const types = new Map(settings.columns.map((column) => [column.name, column.type]));
  const frozen: [key: string, at: unknown, asked: unknown][] = [
    ['data.source', settings.source, findIdentity(settings.source, params)],
    ['data.delimiter', settings.delimiter, params.data.delimiter],
    ['data.encoding', settings.encoding, params.data.encoding],
    ['data.target', settings.target, params.data.target],
    ['model.task', taskOfLedger(settings), taskOf(params)],
    // These settings do not apply to files that arrive: each is a batch.
    ...(hasArrivals(ledger)
      ? []
      : ([
          ['data.batch_size', settings.batch_size, params.data.batch_size],
          ['data.shuffle_seed', settings.shuffle_seed, params.data.shuffle_seed],
        ] as [string, unknown, unknown][])),
    ['data.missing_values', settings.missing_values, params.data.missing_values],
    ['data.decimal', settings.decimal, decimal],
    ['data.thousands', settings.thousands, thousands],
    ['split.key', settings.split_key, params.split.key],
    ['split.by', settings.split_time === null ? 'hash' : 'time', readSplit(params.split).by],
    ['split.time_column', settings.split_time, readSplit(params.split).timeColumn],
    ...Object.entries(params.data.columns)
      // A target of numbers may have classes. get_data warns about it.
      .filter(([name, type]) => !(name === settings.target && type === 'number'))
      // A column that no batch has is ignored already.
      .filter(([name, type]) => types.has(name) || type !== 'ignore')
      .map(([name, type]): [string, unknown, unknown] => [
        `data.columns.${name}`,
        types.get(name),
        type,
      ]),
  ];
  const unknown = Object.keys(params.data.columns).find(
    (name) => !types.has(name) && params.data.columns[name] !== 'ignore',
  );
  if (unknown !== undefined)
    throw new BadParams(
      `data.columns.${unknown} declares a column that no batch of ${pipeline} has: its columns are ${quoteList([...types.keys()])}; correct the name, or remove the declaration`,
    );
  for (const [key, at, asked] of frozen) {
    if (canonicalJson(at ?? null) === canonicalJson(asked)) continue;
    throw new BadParams(
      `${key} is frozen at ${show(at)} since the first batch of ${pipeline} was cut, and this run asks for ${show(asked)}: set it back, or choose a new pipeline name with --pipeline`,
    );
  }
}

/** Returns the identity of a source. With its query in the environment, it is the same source as before. */
function findIdentity(before: Ledger['settings']['source'], { data }: Params): unknown {
  const asked = sourceIdentity(data.source);
  // A run of an earlier program has no such param.
  const hasSecret = typeof data.source_secret_env === 'string';
  const isMoved = hasSecret && before.name.startsWith(`${asked.name}?`);
  return isMoved ? before : asked;
}

/**
 * Returns params with what the pipeline's data was cut with: the declared types of columns, and the words for a missing
 * cell if they are a default. A declaration that is removed or added later changes no type of cut batches.
 */
export function applyFrozenSettings(ledger: Ledger, params: Params): Params {
  const { settings, batches } = ledger;
  if (batches.length === 0) return params;
  // An older ledger does not say which types were declared. All types that it has are used.
  const found = settings.columns.filter(({ name }) => name !== settings.target);
  const columns =
    settings.declared ?? Object.fromEntries(found.map(({ name, type }) => [name, type]));
  const { data, ...rest } = keepFormerDefault(ledger, params);
  return { ...rest, data: { ...data, columns } };
}

/** The default words for a missing cell have changed since some pipelines began: those keep the former ones. */
function keepFormerDefault({ settings, batches }: Ledger, params: Params): Params {
  const isFormer =
    batches.length > 0 &&
    canonicalJson(params.data.missing_values) === canonicalJson(MISSING_VALUES) &&
    canonicalJson(settings.missing_values) === canonicalJson(FORMER_MISSING_VALUES);
  if (!isFormer) return params;
  return { ...params, data: { ...params.data, missing_values: [...FORMER_MISSING_VALUES] } };
}

/** The task of a ledger. Only a regression has a target of type number. */
function taskOfLedger({ columns, target }: Ledger['settings']): Task {
  return predictsNumbers(columns, target) ? 'regression' : 'classification';
}

function show(value: unknown): string {
  const named = value as { kind?: unknown; name?: unknown } | null | undefined;
  return typeof named?.name === 'string' ? named.name : canonicalJson(value ?? null);
}
