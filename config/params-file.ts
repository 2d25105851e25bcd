import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { isObject } from '../contract/canonical-json.ts';
import { RETRAIN } from '../contract/command.ts';
import { BadParams, messageOf, splitSentence } from '../contract/failures.ts';
import { TASKS, taskOf } from '../contract/defaults.ts';
import { paramsShape, mergeParams, parseParams, pipelineName } from '../contract/params.ts';
import { checkSource } from '../contract/source-url.ts';
import { mayHoldPassword } from '../contract/wrong-value.ts';
import { MOST_SETTINGS } from '../store/small-file.ts';
import { checkMetric, paramsOf, paramsSchema } from '../pipeline/models/params.ts';
import { checkForm } from '../sources/identity.ts';
import { trackingUri } from '../tracking/place.ts';

/** The default of tracking_uri. The local stack's address replaces it. */
export const DEFAULT_TRACKING_URI = 'http://localhost:5000';

const SERVER = 'an http:// or https:// URL';

const settingsSchema = z.strictObject({
  mlflow: z
    .strictObject({
      tracking_uri: z.string().min(1).default(DEFAULT_TRACKING_URI),
      experiment_name: z.string().min(1).default('incremental_training'),
      /** Name of the registered model. null: the pipeline's name. */
      model_name: z
        .string()
        .regex(/^[^/:]{1,256}$/, 'expected up to 256 characters, no "/" and no ":" among them')
        .nullable()
        .default(null),
    })
    .prefault({}),
  tracking: z
    .strictObject({
      /** While tracking is unavailable: retry until it answers, or finish the version and log it later. */
      on_unavailable: z.enum(['retry', 'defer']).default('retry'),
    })
    .prefault({}),
  nightly: z
    .strictObject({
      /** When a file cannot be used: run the other batches and say so, or also fail at the end. */
      on_quarantine: z.enum(['warn', 'fail']).default('warn'),
    })
    .prefault({}),
  data: z.unknown().optional(),
  arrivals: z.unknown().optional(),
  split: z.unknown().optional(),
  preprocess: z.unknown().optional(),
  gate: z.unknown().optional(),
  model: z.unknown().optional(),
});

const fileSchema = settingsSchema.extend({
  /** Schema of params.yaml. A file of a newer program is refused. */
  schema: z
    .literal(1, {
      error: ({ input }) =>
        typeof input === 'number' && input > 1
          ? 'this program knows only schema 1, so update the program'
          : 'expected 1',
    })
    .default(1),
  pipeline: pipelineName.default('iris'),
  storage: z
    .strictObject({
      /** null: AWS itself. */
      endpoint: z
        .url({ protocol: /^https?$/, error: `expected ${SERVER}` })
        .refine((url) => !mayHoldPassword(url), {
          message: 'credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not the URL',
        })
        .nullable()
        .default('http://localhost:8333'),
      region: z.string().min(1).default('us-east-1'),
      bucket: z.string().min(3).max(63).default('incremental-training'),
      /** The server of s3:// sources, when it is not the store's; `aws`: AWS itself. */
      source_endpoint: z
        .union(
          [
            z.literal('aws'),
            z.url({ protocol: /^https?$/, error: `expected "aws", or ${SERVER}` }),
          ],
          `expected "aws", or ${SERVER}`,
        )
        .refine((url) => !mayHoldPassword(url), {
          message: 'credentials come from RETRAIN_SOURCE_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY',
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
  /** For each pipeline, the settings that differ from those above. Each is checked where its pipeline is asked for. */
  pipelines: z.record(pipelineName, z.unknown()).optional(),
});

const sectionsSchema = z.object({
  pipelines: z.record(z.string(), z.record(z.string(), z.unknown()).nullable()),
});

type Settings = z.infer<typeof settingsSchema>;

/** The settings of one pipeline: its section of params.yaml merged over the top-level ones. */
export interface PipelineSettings {
  pipeline: string;
  /** The params that are pinned into a run. */
  params: Record<string, unknown>;
  /** Those of them that are the pipeline's own: of its section and, for the default pipeline, of the top. */
  ownParams: Record<string, unknown>;
  /** Present if the file has `pipelines`, and this one is not among them: a sentence that says so. */
  unlisted: string | undefined;
  onUnavailable: Settings['tracking']['on_unavailable'];
  onQuarantine: Settings['nightly']['on_quarantine'];
  trackingUri: string;
  /** Null when the pipeline's section names no experiment. */
  experimentName: string | null;
  /** Name of the registered model. */
  modelName: string;
}

/** params.yaml, with all checked but the sections of pipelines. */
export interface ReadParams {
  storage: z.infer<typeof fileSchema>['storage'];
  defaultPipeline: string;
  /** Its pipelines, the default one first; undefined when it has no `pipelines`. */
  pipelines: string[] | undefined;
  /** The top-level experiment. */
  experimentName: string;
  /**
   * Returns the settings of a pipeline. A pipeline that is not listed has the settings of the top.
   * @throws BadParams when its section has an unknown key, or a value that no run can have
   */
  settings: (pipeline?: string) => PipelineSettings;
  /**
   * Returns the error of each section whose settings are not valid, or do not fit together unless a pipeline that has
   * data has frozen others.
   */
  findWrongSections: () => BadParams[];
}

/**
 * Reads params.yaml of the project folder. Each section under `pipelines` is merged over the top-level
 * settings, key by key. A wrong section is an error only where its pipeline is asked for.
 * @param owner begins the name of the file in messages: `the worker's ` where a client reads them
 * @throws BadParams when the file is not YAML, when the top has an unknown key or a value that no run can have, or when
 * two pipelines have the same registered model
 */
export function readParams(root: string, owner = ''): ReadParams {
  const fileName = `${owner}params.yaml`;
  const file = parseParams(fileSchema, parseFile(root, owner), fileName);
  const { schema: _, pipeline: defaultPipeline, storage, pipelines: sections, ...top } = file;
  // A section may change what fits together, so nothing counts as written at the top.
  checkValues(pickParams(top), { written: {}, mlflow: top.mlflow, what: fileName });
  const pipelines = sections && [...new Set([defaultPipeline, ...Object.keys(sections)])];
  const find = (pipeline: string): Section => {
    const section = Object.hasOwn(sections ?? {}, pipeline) ? sections![pipeline] : undefined;
    return { top, section, isDefault: pipeline === defaultPipeline, fileName };
  };
  const settings = (pipeline = defaultPipeline): PipelineSettings => {
    const unlisted =
      pipelines?.includes(pipeline) === false
        ? `${fileName} has no pipeline ${pipeline}, and no data of it is stored: choose one of ${pipelines.join(', ')}, start it with "${RETRAIN} run 1 --pipeline ${pipeline} --set data.source=FILE", or write a section with "${RETRAIN} init FILE --target COLUMN --pipeline ${pipeline}"`
        : undefined;
    return { ...readSettings(pipeline, find(pipeline)), unlisted };
  };
  refuseSharedModels(
    (pipelines ?? []).map((name) => ({ pipeline: name, modelName: nameModel(name, find(name)) })),
    fileName,
  );
  const { experiment_name: experimentName } = top.mlflow;
  const checkSettings = (name: string): void => {
    const { params } = settings(name);
    const what = nameSection(name, find(name));
    nameWhere(what, () => paramsOf(params, {}, what));
  };
  const findWrongSections = (): BadParams[] => {
    const names = pipelines ?? [defaultPipeline];
    const faults = names.flatMap((name) => findFault(() => checkSettings(name)) ?? []);
    // Pipelines without a section share what is wrong at the top.
    return [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  };
  return { storage, defaultPipeline, pipelines, experimentName, settings, findWrongSections };
}

function findFault(read: () => unknown): BadParams | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof BadParams) return error;
    throw error;
  }
}

/** The top of the file, and the section of one pipeline as it is written. */
interface Section {
  top: Settings;
  section: unknown;
  isDefault: boolean;
  /** The name of the file in messages. */
  fileName: string;
}

/** Where the settings of a pipeline are. */
function nameSection(pipeline: string, { section, fileName }: Section): string {
  return section == null ? fileName : `${fileName}, pipelines.${pipeline}`;
}

/** Keys that no pipeline may set, and the reason. */
const SHARED: Record<string, string> = {
  schema: 'the file has one schema',
  pipeline: 'the name of the section is its name',
  pipelines: 'a section has no sections',
  storage: 'all pipelines share one bucket and its objects',
};

function readSettings(pipeline: string, found: Section): Omit<PipelineSettings, 'unlisted'> {
  const { top, section: written = null, isDefault, fileName } = found;
  const sections = { pipelines: { [pipeline]: written } };
  const section = parseParams(sectionsSchema, sections, fileName).pipelines[pipeline] ?? {};
  const what = nameSection(pipeline, found);
  for (const [key, why] of Object.entries(SHARED))
    if (key in section)
      throw new BadParams(
        `${what}: a pipeline cannot set ${key} (${why}): remove it from the section`,
      );
  const merged = mergeParams(top, section) as Record<string, unknown>;
  const params = pickParams(merged);
  const ownParams = isDefault ? params : pickParams(section);
  const check = { written: ownParams, mlflow: merged['mlflow'], what };
  let settings: Settings | undefined;
  throwFaults([
    findFault(() => (settings = parseParams(settingsSchema, merged, what))),
    findFault(() => checkValues(params, check)),
  ]);
  const { mlflow, tracking, nightly } = settings!;
  // These names are not inherited, because runs and models of two pipelines must not mix.
  const own = (section['mlflow'] ?? {}) as Partial<Settings['mlflow']>;
  return {
    pipeline,
    params,
    ownParams,
    onUnavailable: tracking.on_unavailable,
    onQuarantine: nightly.on_quarantine,
    trackingUri: mlflow.tracking_uri,
    experimentName: own.experiment_name ?? null,
    modelName: nameModel(pipeline, found),
  };
}

/**
 * Checks the params and the tracking of a pipeline, and names all that is wrong. Settings that are not written may be
 * frozen at others, so what must fit together is checked only where all of it is written.
 * @throws BadParams for values that no run can have
 */
function checkValues(
  params: Record<string, unknown>,
  { written, mlflow, what }: { written: Record<string, unknown>; mlflow: unknown; what: string },
): void {
  const { source, source_secret_env: secretEnv } = isObject(params['data']) ? params['data'] : {};
  const { tracking_uri: uri } = isObject(mlflow) ? mlflow : {};
  const { model } = written;
  const hasTask = isObject(model) && model['task'] !== undefined;
  const own = namesSource(written) && typeof secretEnv === 'string' ? secretEnv : null;
  const gate = isObject(params['gate']) ? { metric: params['gate']['metric'] } : {};
  const judged = paramsSchema.safeParse({ model: params['model'], gate });
  throwFaults([
    findFault(() => parseParams(paramsSchema, params, what)),
    typeof source === 'string' && source !== ''
      ? findFault(() => {
          nameWhere(what, () => checkSource({ source, source_secret_env: own }));
          nameWhere(what, () => checkForm(source));
        })
      : undefined,
    typeof uri === 'string' && uri !== ''
      ? findFault(() => nameWhere(what, () => trackingUri(uri, '')))
      : undefined,
    judged.success
      ? findFault(() => checkMetric(judged.data, hasTask ? [taskOf(judged.data)] : TASKS, what))
      : undefined,
  ]);
}

/** Throws one error for all, if there are any. */
function throwFaults(faults: readonly (BadParams | undefined)[]): void {
  const values = faults.flatMap((fault) => fault?.values ?? []);
  if (values.length > 0) throw BadParams.ofValues(values);
}

/** Adds where a wrong value is to an error that does not say it. */
function nameWhere(what: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof BadParams) || error.values.length > 0) throw error;
    throw BadParams.ofValues([splitSentence(`${what}: ${error.message}`)]);
  }
}

/** Returns the name of a pipeline's registered model, also where its section is wrong. */
function nameModel(
  pipeline: string,
  { top, section, isDefault }: Pick<Section, 'top' | 'section' | 'isDefault'>,
): string {
  const own = isObject(section) && isObject(section['mlflow']) ? section['mlflow'] : {};
  const { model_name: name } = own;
  if (typeof name === 'string') return name;
  return (isDefault ? top.mlflow.model_name : null) ?? pipeline;
}

/** The sections that affect a result. */
function pickParams(section: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(section).filter(([name]) => name in paramsShape.shape));
}

/** Whether params say where the data of a pipeline is. */
export function namesSource(params: Record<string, unknown> | undefined): boolean {
  const data = params?.['data'];
  return isObject(data) && typeof data['source'] === 'string';
}

/** Refuses two pipelines with one registered model, because their versions would move each other's aliases. */
function refuseSharedModels(
  settings: readonly Pick<PipelineSettings, 'pipeline' | 'modelName'>[],
  fileName: string,
): void {
  const owners = new Map<string, string>();
  for (const { pipeline, modelName } of settings) {
    const other = owners.get(modelName);
    if (other !== undefined)
      throw new BadParams(
        `${fileName}: pipelines ${other} and ${pipeline} both register the model ${modelName}: give each its own mlflow.model_name`,
      );
    owners.set(modelName, pipeline);
  }
}

/**
 * Returns the text of params.yaml; undefined where there is no such file.
 * @param owner begins its name in messages
 * @throws BadParams when it cannot be read
 */
export function readTextFile(path: string, owner = ''): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > MOST_SETTINGS) throw new Error(`it has ${size} bytes, more than ${MOST_SETTINGS}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BadParams(
      `${owner}${path} cannot be read (${messageOf(error)}): check the file and its permissions`,
      { cause: error },
    );
  }
}

function parseFile(root: string, owner: string): unknown {
  const path = join(root, 'params.yaml');
  const text = readTextFile(path, owner);
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    if (error instanceof YAMLParseError && error.code === 'MULTIPLE_DOCS')
      throw new BadParams(
        `${owner}${path} holds several YAML documents: keep one, and remove the line "---" that begins the next`,
        { cause: error },
      );
    const reason = messageOf(error).split('\n')[0] ?? '';
    throw new BadParams(`${owner}${path} is not YAML (${reason}): correct that line`, {
      cause: error,
    });
  }
  try {
    JSON.stringify(value);
  } catch (error) {
    throw new BadParams(
      `${owner}${path} has an alias that contains itself: write its value instead`,
      { cause: error },
    );
  }
  return value;
}
