import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { BadData } from '../contract/failures.ts';
import type { Content, ModelFile } from './tracker.ts';

export interface ModelParts {
  /** The model, as JSON that ml-cart's `load` reads. All types of model write it. */
  model: Content;
  /** The encoder, as JSON with `features` and, for a classifier, `classes`. */
  encoder: Uint8Array;
  /** Cells of raw rows that mean "missing". White space around them does not count. */
  missing: readonly string[];
  modelId: string;
  runId: string;
  /** Milliseconds since 1970. The caller sets it, so that the same model has the same bytes. */
  createdAt: number;
}

const encoderShape = z.object({
  features: z.array(z.object({ name: z.string(), type: z.enum(['number', 'category']) })),
});
type Feature = z.infer<typeof encoderShape>['features'][number];

// Read at the start, so that a worker whose files are replaced while it runs stores the file it started with.
const LOADER = readFileSync(new URL('./tree_model.py', import.meta.url));
/** For environments that are built from the model. Any Python from 3.10 works. */
const PYTHON = '3.11';

/**
 * Returns the files of an MLflow model (pyfunc flavour) for a stored model and its encoder. With them
 * `mlflow.pyfunc.load_model('models:/<name>@<alias>')` and `mlflow models serve` predict from raw columns.
 * https://mlflow.org/docs/latest/ml/model/#model-format
 */
export function modelFiles(parts: ModelParts): ModelFile[] {
  return [
    { path: 'MLmodel', bytes: toYaml(describeModel(parts)) },
    { path: 'model.json', ...parts.model },
    { path: 'encoder.json', bytes: parts.encoder },
    { path: 'cells.json', bytes: toJson({ missing: parts.missing.map((word) => word.trim()) }) },
    { path: 'code/tree_model.py', bytes: LOADER },
    // `mlflow models serve` runs MLflow itself in the environment that is built from this file.
    { path: 'requirements.txt', bytes: Buffer.from('mlflow>=3\npandas\n') },
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

function describeModel({ encoder, modelId, runId, createdAt }: ModelParts): object {
  return {
    flavors: {
      python_function: {
        loader_module: 'tree_model',
        code: 'code',
        env: { virtualenv: 'python_env.yaml' },
        python_version: PYTHON,
      },
    },
    model_id: modelId,
    model_uuid: modelId,
    run_id: runId,
    signature: {
      inputs: JSON.stringify(readFeatures(encoder).map(describeColumn)),
      outputs: JSON.stringify([{ type: 'any', required: true }]),
      params: null,
    },
    utc_time_created: new Date(createdAt).toISOString().replace('T', ' ').replace('Z', '000'),
  };
}

/** The type is `any`, because MLflow refuses pandas' whole numbers in a column of type double. */
function describeColumn({ name }: Feature): object {
  return { type: 'any', name, required: true };
}

function readFeatures(encoder: Uint8Array): Feature[] {
  try {
    return encoderShape.parse(JSON.parse(new TextDecoder().decode(encoder))).features;
  } catch (cause) {
    throw new BadData(
      'the encoder is not JSON with the name and type of each feature: run the batch again with --force',
      {
        cause,
      },
    );
  }
}

function toJson(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function toYaml(value: object): Uint8Array {
  return Buffer.from(stringify(value, { lineWidth: 0 }));
}
