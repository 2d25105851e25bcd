import { canonicalJson } from './canonical-json.ts';
import {
  DEFAULT_MODEL_TYPE,
  readEncoding,
  FORMER_MISSING_VALUES,
  modelTypeOf,
  readGate,
  readNumberFormat,
  readSplit,
  taskOf,
} from './defaults.ts';
import { CLASS_SCORES, NUMBER_SCORES } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { Build, GateDecision } from './promotion.ts';
import {
  batchFile,
  BATCHES,
  decisionFile,
  isTablePath,
  isVisiblePath,
  MERGED,
  metricsFile,
  modelFolder,
  partFile,
  PROCESSED,
  RAW,
  RAW_FILES,
  reportFile,
  TEST,
  TRAIN,
} from './paths.ts';
import type { Ref, TrackedRun } from './ref.ts';
import type { TrialParams } from './trials.ts';

/**
 * The stage graph: which stages there are, what each reads and makes, and how it is run and shown. The
 * workflow, the cache keys, `why`, `lineage`, `verify`, `checkout` and the DVC export derive from it. To add a
 * stage, add its entry here, its file in activities/ with its line in activities/index.ts, and its test.
 */

/** Where an input comes from. */
export type InputSource =
  /** An output of an earlier stage of the same version. */
  | { readonly stage: string; readonly output: string }
  /** An output of the stage for each of the batches 1..N, as one directory. */
  | { readonly eachBatch: string; readonly output: string }
  /** The source of the data, which no stage makes. */
  | { readonly outside: true; readonly optional?: true };

/** A number or a word about a stage's outputs. A number with a unit is shown to people, and a word that says so. */
export interface FactShape {
  readonly unit?: string;
  readonly shown?: true;
  /** It can be missing, or null where nothing could be measured. */
  readonly optional?: true;
}

/** The values from which the label of a running stage is made. */
export interface StageContents {
  batch: number;
  params: Pick<Params, 'data' | 'model'>;
  /** A fact of an earlier stage in words, `1 240 rows`; empty where it is not known. */
  count: (stage: string, fact: string, unit: string) => string;
}

/** Everything that affects the bytes of a stage's outputs. The cache key is made from it. */
export interface StageShape {
  readonly inputs: Readonly<Record<string, InputSource>>;
  /** The path of each output in a working tree; that of a directory ends in `/`. */
  readonly outputs: Readonly<Record<string, (batch: number) => string>>;
  /** Whether an output can also be at another path. */
  readonly otherPaths?: Readonly<Record<string, (path: string) => boolean>>;
  readonly facts: Readonly<Record<string, FactShape>>;
  /** The params it reads, and no others. `detail` is what the activity knows besides them. */
  readonly params: (params: Params, detail: never) => Record<string, unknown>;
  /** Raise it when the same inputs and params give other bytes than before. */
  readonly code: number;
  /** Packages whose version changes the bytes. */
  readonly libraries: readonly string[];
  /** Whether the packages of the type of model change the bytes too. */
  readonly modelLibraries?: true;
  /** Whether the number of the batch is in the paths of its outputs. */
  readonly perBatch: boolean;
}

/** A stage of the workflow: an activity of the same name. */
export interface StageEntry extends StageShape {
  /** The name of its outputs in a drawing of the lineage. */
  readonly kind: string;
  /** One line about its inputs. Temporal's Web UI shows it after the name of the activity. */
  readonly label: (contents: StageContents) => readonly string[];
  /** `compute` runs on the queue of the workers that compute, where there is one. */
  readonly queue?: 'compute';
  /** The longest time for one attempt; the default is an hour. */
  readonly timeout?: '24h';
  /** Whether it writes to the MLflow run. Then that run must be ended. */
  readonly tracked?: true;
  /** Whether its outputs say something about a build and are no part of it: with others, it is the same build. */
  readonly aboutBuild?: true;
  /** The fields of its request besides the inputs. */
  readonly takes: readonly (keyof (RunSettings & HandedOn))[];
  /** The fields of its result besides the outputs. */
  readonly gives: readonly (keyof HandedOn)[];
}

/** Settings of the run that some stages need. */
export interface RunSettings {
  /** The file or folder that the client has uploaded. */
  source: Ref | null;
  /** Whether to look for new rows even if the rows of the batch are known. */
  refresh: boolean;
  /** The directory in which the client tracks runs; null where runs are tracked on a server. */
  trackingFolder: string | null;
  /** Whether logging can be deferred: the run publishes a version, which can be logged later from its record. */
  mayDefer: boolean;
  /** For a trial: the params in which it differs. Its model is not registered. Absent in histories of an earlier program. */
  trial?: TrialParams | null;
}

/** The values, besides artifacts, that stages hand on to later stages. */
export interface HandedOn {
  /** The revision of the ledger once the batch is in it. */
  ledgerRevision: number;
  /** The id of the training attempt, by which its MLflow run is found. */
  attempt: string;
  /** The MLflow run; null when logging is deferred. */
  mlflow: TrackedRun | null;
  /** The scores of other builds on the same test rows. */
  comparisons: Comparison[];
  /** The champion when the build was scored; null when there was none. */
  champion: Build | null;
  /** Whether the build would replace the champion. */
  decision: GateDecision;
}

/** Which build another is: the one before, or the champion. The champion is often the version before. */
export type ComparedRole = 'before' | 'champion';

/** The scores of another build on the test rows of a build. */
export interface Comparison {
  version: number;
  seq: number;
  /** What it is. One build can be both. */
  roles: ComparedRole[];
  /**
   * Its scores on these rows, as `own_<score>` those of this build on the same rows and, as `<score>_change`, how this
   * build differs: better, worse or within noise. Names that begin with `new_batch_` are of the rows of the new batch; with `prequential_`, of that whole batch before any row of
   * it was trained on.
   */
  facts: Record<string, string | number | boolean | null>;
}

const OUTSIDE = { outside: true } as const;
const NOTHING = (): Record<string, unknown> => ({});

function from<const Stage extends string, const Output extends string>(
  stage: Stage,
  output: Output,
) {
  return { stage, output } as const;
}

function fromEachBatch<const Stage extends string, const Output extends string>(
  eachBatch: Stage,
  output: Output,
) {
  return { eachBatch, output } as const;
}

/** Facts that can be missing. */
function namesOf<const Name extends string>(
  ...names: Name[]
): Readonly<Record<Name, { readonly optional: true }>> {
  return Object.fromEntries(names.map((name) => [name, { optional: true }])) as never;
}

const SCORES = [...CLASS_SCORES, ...NUMBER_SCORES] as const;

type ScoreName = `${(typeof SCORES)[number]}${'' | '_low' | '_high'}`;

/** All scores and the limits of their intervals, with each of these prefixes: facts that can be missing. */
function scoresOf<const Prefix extends string>(
  ...prefixes: Prefix[]
): Readonly<Record<`${Prefix}${ScoreName}`, { readonly optional: true }>> {
  const names = SCORES.flatMap((name) => [name, `${name}_low`, `${name}_high`]);
  return namesOf(...prefixes.flatMap((prefix) => names.map((name) => prefix + name)));
}

/** The facts besides the params in the cache key of get_data. */
interface SourceDetail {
  /** The source's name, without the folder it is in. */
  source: string;
  /** Columns that files after the first have added. */
  addedColumns?: readonly unknown[];
}

/** How a batch is cut: it is a whole file, or rows of the state of the table that begins after batch `after`. */
export type CutDetail = { whole: true } | { whole: false; after: number };

/** The champion in the cache key of gate; null when there is none. */
export interface GateDetail {
  champion: (Build & { type: string }) | null;
  /** Why the champion cannot be scored. Then it is not among the inputs. */
  unusable?: string;
}

/** The stages in the order in which data flows. */
export const STAGES = {
  get_data: {
    kind: 'raw',
    label: ({ params }) => [lastPart(params.data.source)],
    // `columns` are those of an earlier state, where the table has grown.
    inputs: { source: OUTSIDE, columns: { outside: true, optional: true } },
    // Where each file is a batch, `raw` is this directory; a table keeps the name of its source.
    outputs: { raw: () => RAW_FILES, columns: () => `${RAW}/columns.json` },
    otherPaths: { raw: isTablePath },
    facts: {
      rows: { unit: 'rows' },
      columns: { optional: true },
      files: { optional: true },
      new_rows: { unit: 'new rows', optional: true },
    },
    params: ({ data, model }, { source, addedColumns = [] }: SourceDetail) => ({
      source,
      target: data.target,
      columns: data.columns,
      missing_values: data.missing_values,
      ...readingParams(data),
      ...(taskOf({ model }) === 'classification' ? {} : { task: model.task }),
      // The same files have other columns where the rules on new columns differ.
      ...(addedColumns.length === 0 ? {} : { added_columns: addedColumns }),
    }),
    code: 2, // 1 inferred no dates and no open columns
    libraries: [],
    perBatch: false,
    timeout: '24h', // a large source can come over a slow line
    takes: ['source', 'refresh'],
    gives: [],
  },
  prepare_batch: {
    kind: 'batches',
    label: ({ batch }) => [`batch ${batch}`],
    inputs: { raw: from('get_data', 'raw'), columns: from('get_data', 'columns') },
    outputs: { batch: (batch) => `${BATCHES}${batchFile(batch)}` },
    facts: { rows: { unit: 'rows' } },
    params: ({ data }, cut: CutDetail) => ({
      target: data.target,
      ...readingParams(data),
      ...(cut.whole ? wholeFileParams(data) : tableParams(data, cut.after)),
    }),
    code: 1,
    libraries: [],
    perBatch: true,
    takes: [],
    gives: ['ledgerRevision'],
  },
  merge_data: {
    kind: 'merged',
    label: ({ batch }) => [batch === 1 ? 'batch 1' : `batches 1–${batch}`],
    inputs: { batches: fromEachBatch('prepare_batch', 'batch') },
    outputs: { merged: () => MERGED },
    facts: { rows: { unit: 'rows' }, batches: { optional: true } },
    params: NOTHING,
    code: 1,
    libraries: [],
    perBatch: true,
    takes: ['ledgerRevision'],
    gives: [],
  },
  preprocess: {
    kind: 'splits',
    label: ({ count }) => [count('merge_data', 'rows', 'rows')],
    inputs: { merged: from('merge_data', 'merged'), columns: from('get_data', 'columns') },
    outputs: {
      train: () => TRAIN,
      test: () => TEST,
      encoder: () => `${PROCESSED}/encoder.json`,
      counts: () => `${PROCESSED}/counts.json`,
    },
    facts: {
      train_rows: { unit: 'train rows' },
      test_rows: { unit: 'test rows' },
      features: { optional: true },
      classes: { optional: true },
    },
    params: ({ data, split, preprocess }) => ({
      ...partParams({ data, split }),
      preprocess,
      // A run of an earlier program does not have this rule.
      ...(data.on_new_category === 'fail' || data.on_new_category === 'ignore'
        ? { on_new_category: data.on_new_category }
        : {}),
    }),
    code: 3, // 1 was made of parts with sorted words, 2 gave unseen words the code -1
    // They make the parts: see encode_part.
    libraries: ['arquero', '@uwdata/flechette'],
    perBatch: true,
    queue: 'compute',
    takes: [],
    gives: [],
  },
  train: {
    kind: 'model',
    label: ({ params, count }) => [
      count('preprocess', 'train_rows', 'rows'),
      typeof params.model['max_depth'] === 'number' ? `depth ${params.model['max_depth']}` : '',
    ],
    inputs: { train: from('preprocess', 'train'), encoder: from('preprocess', 'encoder') },
    outputs: {
      model: (batch) => `${modelFolder(batch)}/model.json`,
      encoder: (batch) => `${modelFolder(batch)}/encoder.json`,
    },
    facts: {
      rows: {},
      leaves: { unit: 'leaves', optional: true },
      depth: { unit: 'deep', optional: true },
    },
    // The default task and type are left out, so that the keys of earlier programs stay valid.
    params: ({ model: { task, type, ...own } }) => ({
      model: {
        ...(taskOf({ model: { task } }) === 'classification' ? {} : { task }),
        ...(modelTypeOf({ type }) === DEFAULT_MODEL_TYPE ? {} : { type }),
        ...own,
      },
    }),
    code: 2, // 1 was ml-cart's own trainer
    libraries: [],
    modelLibraries: true,
    perBatch: true,
    queue: 'compute',
    timeout: '24h',
    tracked: true,
    takes: ['trackingFolder', 'mayDefer', 'trial'],
    gives: ['attempt', 'mlflow'],
  },
  evaluate: {
    kind: 'metrics',
    label: ({ count }) => [count('preprocess', 'test_rows', 'test rows')],
    inputs: {
      model: from('train', 'model'),
      encoder: from('preprocess', 'encoder'),
      test: from('preprocess', 'test'),
      // With the train rows, it checks that no test row is among them.
      train: from('preprocess', 'train'),
    },
    outputs: { metrics: metricsFile, report: reportFile },
    facts: {
      test_rows: { unit: 'test rows' },
      train_rows_checked: { unit: 'train rows checked', optional: true },
      /** Test rows that are equal to train rows: `left_out` are not scored, `equal_rows` are. */
      ...namesOf('left_out', 'equal_rows'),
      accuracy: { optional: true },
      rmse: { optional: true },
      scored_by: { optional: true },
      /** The mean probability of the predicted classes, which the report shows. */
      confidence: { optional: true },
    },
    // Two types of model can store the same bytes, and the report names the type.
    params: ({ model: { type }, split }) => ({
      model: { type: modelTypeOf({ type }) },
      ...sideParams(split),
    }),
    code: 5, // 1 left no report, 2 was not scored by ml-cart, 3 had a report of tables alone, 4 had few intervals
    // The last two draw the report.
    libraries: ['arquero', 'ml-cart', '@dagrejs/dagre', '@observablehq/plot'],
    perBatch: true,
    queue: 'compute',
    tracked: true,
    takes: ['attempt', 'mlflow', 'mayDefer', 'trial'],
    gives: ['mlflow', 'comparisons', 'champion'],
  },
  gate: {
    kind: 'decision',
    label: ({ count }) => [count('preprocess', 'test_rows', 'test rows')],
    inputs: {
      model: from('train', 'model'),
      encoder: from('preprocess', 'encoder'),
      test: from('preprocess', 'test'),
      // A version is scored before it is decided on, by `dvc repro` too.
      metrics: from('evaluate', 'metrics'),
      train: from('preprocess', 'train'),
      championModel: { outside: true, optional: true },
      championEncoder: { outside: true, optional: true },
      championTrain: { outside: true, optional: true },
    },
    outputs: { decision: decisionFile },
    facts: {
      ...namesOf('reason', 'champion', 'rule', 'metric', 'rows', 'challenger_score'),
      ...namesOf('champion_score', 'low', 'high', 'p_value'),
      outcome: { optional: true, shown: true },
    },
    params: ({ gate, model: { type }, split }, detail: GateDetail) => {
      const { metric, rule, margin, confidence, slices } = readGate({ gate });
      return {
        gate: { metric, rule, margin, confidence, slices },
        model: { type: modelTypeOf({ type }) },
        ...sideParams(split),
        ...detail,
      };
    },
    code: 2, // 1 took equal numbers for different ones in r2, and its bounds could contain 0 where the test did not
    libraries: ['arquero', 'ml-cart'],
    perBatch: true,
    queue: 'compute',
    aboutBuild: true,
    takes: ['champion'],
    gives: ['decision'],
  },
} as const satisfies Record<string, StageEntry>;

/**
 * Steps within a stage that have cache entries: preprocess encodes each batch once, for all later versions, and
 * evaluate scores the model of another build on the test rows of this one.
 */
export const STEPS = {
  encode_part: {
    inputs: { batch: from('prepare_batch', 'batch'), columns: from('get_data', 'columns') },
    outputs: {
      train: (batch) => `${TRAIN}${partFile(batch)}`,
      test: (batch) => `${TEST}${partFile(batch)}`,
      counts: (batch) => `${PROCESSED}/counts_${batch}.json`,
    },
    facts: { train_rows: {}, test_rows: {} },
    params: partParams,
    // A new code version here needs one of preprocess too, whose outputs are made of parts.
    code: 2, // 1 sorted the words of a part's dictionaries
    libraries: ['arquero', '@uwdata/flechette'],
    perBatch: true,
  },
  compare: {
    inputs: {
      model: from('train', 'model'),
      encoder: from('preprocess', 'encoder'),
      test: from('preprocess', 'test'),
      train: from('preprocess', 'train'),
      otherModel: OUTSIDE,
      otherEncoder: OUTSIDE,
      otherTrain: OUTSIDE,
    },
    // Its result is in its facts: the scores of the other model, and what a test says of the difference.
    outputs: {},
    facts: {
      rows: {},
      ...namesOf('new_batch_rows', 'prequential_rows', 'train_rows_checked'),
      ...namesOf('left_out', 'new_batch_left_out', 'prequential_left_out'),
      ...scoresOf('', 'own_', 'new_batch_', 'new_batch_own_', 'prequential_'),
      ...namesOf('accuracy_change', 'rmse_change', 'mae_change', 'r2_change'),
      ...namesOf('new_batch_accuracy_change', 'new_batch_rmse_change'),
      ...namesOf('new_batch_mae_change', 'new_batch_r2_change'),
    },
    params: ({ model: { type }, split }, { otherType }: { otherType: string }) => ({
      model: { type: modelTypeOf({ type }) },
      other: { model: { type: otherType } },
      ...sideParams(split),
    }),
    // 1 compared on all test rows alone, and did not look for rows that the other model was trained on; 2 had no scores
    // of our model on the rows that the other one can score, and left rows out of a whole batch that were about others
    code: 3,
    libraries: ['arquero', 'ml-cart'],
    perBatch: true,
  },
} as const satisfies Record<string, StageShape>;

type Stages = typeof STAGES;
type Shapes = Stages & typeof STEPS;

export type StageName = keyof Stages;
/** A stage, or a step within one. */
export type StepName = keyof Shapes;

export const STAGE_NAMES = Object.keys(STAGES) as StageName[];

/** The stage whose end makes a version. */
export const LAST_STAGE = STAGE_NAMES.at(-1)!;

/** The stages from the first to this one. */
export function stagesUntil(last: StageName): StageName[] {
  return STAGE_NAMES.slice(0, STAGE_NAMES.indexOf(last) + 1);
}

/** The entry of a stage or step, with the type that all entries have in common. */
export function findShape(step: StepName): StageShape {
  return step in STAGES ? STAGES[step as StageName] : STEPS[step as keyof typeof STEPS];
}

/** The entry of a stage by its name in a record; undefined for a stage of another program. */
export function findEntry(stage: string): StageEntry | undefined {
  return Object.hasOwn(STAGES, stage) ? STAGES[stage as StageName] : undefined;
}

/** Whether an input of a stage is of another build, with which this one is compared: it was not made from it. */
export function isOfOtherBuild(stage: string, name: string): boolean {
  const entry = findEntry(stage);
  const input = entry?.inputs[name];
  return entry?.aboutBuild === true && input !== undefined && 'outside' in input;
}

/** The inputs that a recorded stage's build was made from. */
export function listOwnInputs({ stage, inputs }: Pick<RecordedStage, 'stage' | 'inputs'>): Ref[] {
  return Object.entries(inputs).flatMap(([name, ref]) =>
    isOfOtherBuild(stage, name) ? [] : [ref],
  );
}

/** Whether this path belongs to an output of a stage of this version, and a checkout may write a file there. */
export function isOutputPath(
  { stage, output, version }: { stage: string; output: string; version: number },
  path: string,
): boolean {
  const { outputs, otherPaths }: Partial<StageShape> = findEntry(stage) ?? {};
  if (outputs === undefined || !Object.hasOwn(outputs, output)) return false;
  const isGiven = outputs[output]!(version) === path || otherPaths?.[output]?.(path) === true;
  return isGiven && isVisiblePath(path.replace(/\/$/, ''));
}

/** Whether a later stage reads the outputs of this one for all batches, as the files of a directory. */
export function isReadForEachBatch(stage: string): boolean {
  return STAGE_NAMES.some((name) =>
    Object.values<InputSource>(STAGES[name].inputs).some(
      (input) => 'eachBatch' in input && input.eachBatch === stage,
    ),
  );
}

type OptionalKeys<Shape> = {
  [Name in keyof Shape]: Shape[Name] extends { readonly optional: true } ? Name : never;
}[keyof Shape];

type Simplify<T> = { [Name in keyof T]: T[Name] };

/** The inputs of a stage or step. */
export type StageInputs<Step extends StepName> = Simplify<
  { [Name in Exclude<keyof Shapes[Step]['inputs'], OptionalKeys<Shapes[Step]['inputs']>>]: Ref } & {
    [Name in OptionalKeys<Shapes[Step]['inputs']>]?: Ref;
  }
>;

/** The inputs in a stage's request: those that are outputs of earlier stages of the same version. */
export type HandedInputs<Stage extends StageName> = {
  [
    Name in keyof Stages[Stage]['inputs'] as Stages[Stage]['inputs'][Name] extends {
      readonly stage: string;
    }
      ? Name
      : never
  ]: Ref;
};

export type StageOutputs<Step extends StepName> = {
  [Name in keyof Shapes[Step]['outputs']]: Ref;
};

export type StageFacts<Step extends StepName> = Simplify<
  {
    [Name in Exclude<keyof Shapes[Step]['facts'], OptionalKeys<Shapes[Step]['facts']>>]: number;
  } & {
    [Name in OptionalKeys<Shapes[Step]['facts']>]?: string | number | null;
  }
>;

/** The facts besides the params in the cache key of a stage; undefined for most stages. */
export type StageDetail<Step extends StepName> = Parameters<Shapes[Step]['params']>[1];

/** How a stage uses the cache: `use` takes an entry if there is one, `require` fails without one, `bypass` ignores it. */
export type CacheUse = 'use' | 'require' | 'bypass';

/** The most damaged objects that a run makes again. If more are damaged, use `force`. */
export const MOST_DAMAGED = 20;

/** An object that was missing or damaged and is made again. */
export interface Healed {
  path: string;
  md5: string;
}

/** The fields that the requests of all stages have in common. */
export interface StageCall {
  pipeline: string;
  batch: number;
  params: Params;
  cache: CacheUse;
  /** MD5s of objects that are missing or damaged: the stages that made them make them again. */
  damaged: string[];
  /** The first execution run id of a forced run, so that it has its own training attempt; null for other runs. */
  force: string | null;
}

/** The request of a stage's activity. */
export type StageRequest<Stage extends StageName> = StageCall & {
  inputs: HandedInputs<Stage>;
} & Pick<RunSettings & HandedOn, Stages[Stage]['takes'][number]>;

/** The request of get_data. The code in sources/ reads it too. */
export type GetDataRequest = StageRequest<'get_data'>;

/** The fields that the results of all stages have in common. */
export interface StageAnswer {
  stage: string;
  key: string;
  cached: boolean;
  durationMs: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  warnings: string[];
  /** Outputs of an earlier run that were missing, and that this run has made again. */
  healed: Healed[];
}

/** The outputs and facts of a stage, made now or taken from the cache. */
export interface StageOutcome<Step extends StepName> extends StageAnswer {
  outputs: StageOutputs<Step>;
  facts: StageFacts<Step>;
}

/** The result of a stage's activity. */
export type StageResult<Stage extends StageName> = StageOutcome<Stage> &
  Pick<HandedOn, Stages[Stage]['gives'][number]>;

/** A stage as a version record has it. */
interface RecordedStage {
  stage: string;
  inputs: Record<string, Ref>;
  outputs: Record<string, Ref>;
  facts: Record<string, unknown>;
}

/** A recorded stage with typed names. A record of an earlier code version can lack an output or a fact. */
type TypedStage<Recorded, Stage extends StageName> = Omit<Recorded, keyof RecordedStage> & {
  stage: Stage;
  inputs: Partial<StageInputs<Stage>>;
  outputs: Partial<StageOutputs<Stage>>;
  facts: Partial<StageFacts<Stage>>;
};

/** Finds a stage of a record by its name. */
export function findStage<Recorded extends RecordedStage, Stage extends StageName>(
  stages: readonly Recorded[],
  name: Stage,
): TypedStage<Recorded, Stage> | undefined {
  return stages.find(({ stage }) => stage === name) as TypedStage<Recorded, Stage> | undefined;
}

/**
 * The words for missing cells. An earlier program compared numbers among them as words, so `-999.0` was no `-999`; their
 * keys say that they are compared as numbers. All other keys of earlier programs stay valid.
 */
function missingParams({ missing_values }: Params['data']): Record<string, unknown> {
  const hasNumber = missing_values.some(
    (word) => word.trim() !== '' && !Number.isNaN(Number(word)),
  );
  return { missing_values, ...(hasNumber ? { missing_numbers: 'by value' } : {}) };
}

/** How the text of a source is read. Defaults are left out, so that the keys of earlier programs stay valid. */
function readingParams(data: Params['data']): Record<string, unknown> {
  const { delimiter, encoding } = data;
  return {
    ...(delimiter === ',' ? {} : { delimiter }),
    ...(encoding === 'utf-8' ? {} : { encoding }),
    ...numberParams(data),
  };
}

function numberParams(data: Params['data']): Record<string, unknown> {
  const { decimal, thousands } = readNumberFormat(data);
  return {
    ...(decimal === '.' ? {} : { decimal }),
    ...(thousands === null ? {} : { thousands }),
  };
}

/** The params that shape the part of a batch. Settings that earlier programs do not have are left out by default. */
function partParams({ data, split }: Pick<Params, 'data' | 'split'>): Record<string, unknown> {
  const { dateParts, normaliseLabels } = readEncoding(data);
  return {
    target: data.target,
    ...missingParams(data),
    ...numberParams(data),
    ...(dateParts.length === 0 ? {} : { date_parts: dateParts }),
    ...(normaliseLabels ? { labels: { normalise: true } } : {}),
    split: {
      test_size: split.test_size,
      key: split.key,
      ...(readSplit(split).by === 'time' ? sideParams(split).split : {}),
    },
  };
}

/** What decides the side of a row, besides the hash of its features. */
function sideParams(split: Params['split']): { split?: object } {
  const { by, key, timeColumn } = readSplit(split);
  if (by === 'time') return { split: { by, time_column: timeColumn } };
  return key === null ? {} : { split: { key } };
}

/** A later state of a table keeps the order of its rows, so no seed is in its key. */
function tableParams(data: Params['data'], after: number): Record<string, unknown> {
  const { batch_size, shuffle_seed } = data;
  return after === 0 ? { batch_size, shuffle_seed } : { batch_size, after };
}

/** A whole file is a batch: it is read by these settings, and nothing is cut. */
function wholeFileParams(data: Params['data']): Record<string, unknown> {
  const { missing_values, on_new_column, on_missing_column, columns_by } = data;
  // A missing number is written as one of these words, and recognised by them.
  const isDefault = canonicalJson(missing_values) === canonicalJson(FORMER_MISSING_VALUES);
  return {
    ...(isDefault ? {} : { missing_values }),
    ...(on_new_column === 'fail' ? {} : { on_new_column }),
    ...(on_missing_column === 'fail' ? {} : { on_missing_column }),
    ...(columns_by === 'position' ? { columns_by } : {}),
  };
}

/** A file's name without its folders, which differ between machines. */
function lastPart(source: string): string {
  return source.split(/[/\\]/).findLast((part) => part !== '') ?? source;
}
