import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { BadData } from '../contract/failures.ts';
import type { CellSettings } from '../pipeline/csv/cells.ts';
import { formatDays } from '../pipeline/csv/dates.ts';
import { findLabelType } from '../pipeline/features/label-type.ts';
import { ONNX_VERSION } from '../pipeline/onnx/graph.ts';
import type { Content, ModelFile } from './tracker.ts';

export interface ModelParts {
  /** The model, as JSON that ml-cart's `load` reads. All types of model write it. */
  model: Content;
  /** The encoder, as JSON with `features` and, for a classifier, `classes`. */
  encoder: Uint8Array;
  /** How the cells of raw rows are read. */
  cells: CellSettings;
  /** The model with its encoder as an ONNX file; undefined if there is none. */
  onnx?: Content | undefined;
  modelId: string;
  runId: string;
  /** Milliseconds since 1970. The caller sets it, so that the same model has the same bytes. */
  createdAt: number;
}

const encoderShape = z.object({
  classes: z.array(z.string()).optional(),
  features: z.array(
    z.discriminatedUnion('type', [
      z.object({ name: z.string(), type: z.literal('number'), median: z.number() }),
      z.object({
        name: z.string(),
        type: z.literal('date'),
        median: z.number(),
        from: z.string().optional(),
      }),
      z.object({
        name: z.string(),
        type: z.literal('category'),
        categories: z.array(z.string()),
        most_frequent: z.string().nullable(),
      }),
    ]),
  ),
});
type Encoder = z.infer<typeof encoderShape>;
type Feature = Encoder['features'][number];

// Read at the start, so that a worker whose files are replaced while it runs stores the files it started with.
const LOADER = ['__init__.py', 'cells.py', 'tree.py'].map((name) => ({
  name,
  bytes: readFileSync(new URL(`./pyfunc/${name}`, import.meta.url)),
}));
/**
 * The loader's package. MLflow imports the loaders of all models into one process, and Python imports a name once. So
 * each edition of the loader has its own name.
 */
const PACKAGE = `retrain_model_${hashFiles(LOADER).slice(0, 12)}`;
/** For environments that are built from the model. Any Python from 3.10 works. */
const PYTHON = '3.11';

/**
 * Returns the files of an MLflow model (pyfunc flavour) for a stored model and its encoder. With them
 * `mlflow.pyfunc.load_model('models:/<name>@<alias>')` and `mlflow models serve` predict from raw columns.
 * https://mlflow.org/docs/latest/ml/model/#model-format
 */
export function modelFiles(parts: ModelParts): ModelFile[] {
  const encoder = readEncoder(parts.encoder);
  const example = makeExample(encoder, parts.cells);
  const missing = parts.cells.missing.map((word) => word.trim());
  return [
    { path: 'MLmodel', bytes: toYaml(describeModel(parts, encoder)) },
    { path: 'model.json', ...parts.model },
    ...(parts.onnx === undefined ? [] : [{ path: ONNX_FILE, ...parts.onnx }]),
    { path: 'encoder.json', bytes: parts.encoder },
    {
      path: 'cells.json',
      bytes: toJson({ ...parts.cells, missing, labels: findLabelType(encoder) }),
    },
    { path: INPUT_EXAMPLE, bytes: toJson(example) },
    { path: SERVING_EXAMPLE, bytes: toJson({ dataframe_split: example }) },
    ...LOADER.map(({ name, bytes }) => ({ path: `code/${PACKAGE}/${name}`, bytes })),
    // `mlflow models serve` runs MLflow itself in the environment that is built from this file.
    { path: 'requirements.txt', bytes: Buffer.from('mlflow>=3\nnumpy\npandas\n') },
    {
      path: 'python_env.yaml',
      bytes: toYaml({
        python: PYTHON,
        build_dependencies: ['pip'],
        dependencies: ['-r requirements.txt'],
      }),
    },
  ];
}

const ONNX_FILE = 'model.onnx';
const INPUT_EXAMPLE = 'input_example.json';
const SERVING_EXAMPLE = 'serving_input_example.json';

function describeModel(
  { modelId, runId, createdAt, cells, onnx }: ModelParts,
  encoder: Encoder,
): object {
  return {
    flavors: {
      python_function: {
        loader_module: PACKAGE,
        code: 'code',
        env: { virtualenv: 'python_env.yaml' },
        python_version: PYTHON,
      },
      // `mlflow.onnx.load_model` reads this.
      ...(onnx === undefined ? {} : { onnx: { data: ONNX_FILE, onnx_version: ONNX_VERSION } }),
    },
    model_id: modelId,
    model_uuid: modelId,
    run_id: runId,
    saved_input_example_info: {
      artifact_path: INPUT_EXAMPLE,
      pandas_orient: 'split',
      serving_input_path: SERVING_EXAMPLE,
      type: 'dataframe',
    },
    signature: {
      inputs: JSON.stringify(listColumns(encoder).map((column) => describeColumn(column, cells))),
      outputs: JSON.stringify([{ type: findLabelType(encoder), required: true }]),
      params: JSON.stringify([{ name: 'proba', type: 'boolean', default: false, shape: null }]),
    },
    utc_time_created: new Date(createdAt).toISOString().replace('T', ' ').replace('Z', '000'),
  };
}

/** MLflow reads text/csv by these types. The loader takes other types too, such as whole numbers. */
function describeColumn({ name, type }: Feature, cells: CellSettings): object {
  const isDouble = type === 'number' && isPlain(cells);
  return { type: isDouble ? 'double' : 'string', name, required: true };
}

/** Whether pandas reads the numbers of the data as numbers. */
function isPlain({ decimal = '.', thousands }: CellSettings): boolean {
  return decimal === '.' && thousands === undefined;
}

/** Makes an example of a row: the median of each number, and the most frequent of each word. */
function makeExample(encoder: Encoder, cells: CellSettings): object {
  const columns = listColumns(encoder);
  const row = columns.map((feature) => {
    if (feature.type === 'category') return feature.most_frequent;
    if (feature.type === 'date') return formatDays(feature.median);
    const { median } = feature;
    return isPlain(cells) ? median : String(median).replace('.', cells.decimal ?? '.');
  });
  return { columns: columns.map(({ name }) => name), data: [row] };
}

/** The columns of raw rows: a part of a date is no column. */
function listColumns({ features }: Encoder): Feature[] {
  return features.filter((feature) => feature.type !== 'date' || feature.from === undefined);
}

function readEncoder(encoder: Uint8Array): Encoder {
  try {
    return encoderShape.parse(JSON.parse(new TextDecoder().decode(encoder)));
  } catch (cause) {
    throw new BadData(
      'the encoder is not JSON with the name and type of each feature: run the batch again with --force',
      {
        cause,
      },
    );
  }
}

function hashFiles(files: readonly { name: string; bytes: Uint8Array }[]): string {
  const hash = createHash('sha256');
  for (const { name, bytes } of files) hash.update(`${name} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

function toJson(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function toYaml(value: object): Uint8Array {
  return Buffer.from(stringify(value, { lineWidth: 0 }));
}
