import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { z } from 'zod';
import { BadData } from '../contract/failures.ts';
import type { Content, ModelFile } from './tracker.ts';

export interface ModelParts {
  /** The model: JSON that ml-cart's `load` takes, whatever its type. */
  model: Content;
  /** The encoder: JSON with `features` and, for a classifier, `classes`. */
  encoder: Uint8Array;
  /** What cells of raw rows mean "not known", but for white space around them. */
  missing: readonly string[];
  modelId: string;
  runId: string;
  /** Milliseconds since 1970; given, so that the same model is the same bytes. */
  createdAt: number;
}

const encoderShape = z.object({
  features: z.array(z.object({ name: z.string(), type: z.enum(['number', 'category']) })),
});
type Feature = z.infer<typeof encoderShape>['features'][number];

// Read at start-up: a worker whose files are replaced under it keeps storing what it was started with.
const LOADER = readFileSync(new URL('./tree_model.py', import.meta.url));
/** For environments built from the model; any Python from 3.10 on will do. */
const PYTHON = '3.11';

/**
 * The files of an MLflow model (pyfunc flavour) around a stored model and its encoder: what
 * `mlflow.pyfunc.load_model('models:/<name>@<alias>')` and `mlflow models serve` need to predict
 * from raw columns. https://mlflow.org/docs/latest/ml/model/#model-format
 */
export function modelFiles(parts: ModelParts): ModelFile[] {
  return [
    { path: 'MLmodel', bytes: yaml(description(parts)) },
    { path: 'model.json', ...parts.model },
    { path: 'encoder.json', bytes: parts.encoder },
    { path: 'cells.json', bytes: json({ missing: parts.missing.map((word) => word.trim()) }) },
    { path: 'code/tree_model.py', bytes: LOADER },
    // Serving runs MLflow itself in the environment made from this.
    { path: 'requirements.txt', bytes: Buffer.from('mlflow>=3\npandas\n') },
    {
      path: 'python_env.yaml',
      bytes: yaml({
        python: PYTHON,
        build_dependencies: ['pip'],
        dependencies: ['-r requirements.txt'],
      }),
    },
  ];
}

function description({ encoder, modelId, runId, createdAt }: ModelParts): object {
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
      inputs: JSON.stringify(features(encoder).map(column)),
      outputs: JSON.stringify([{ type: 'any', required: true }]),
      params: null,
    },
    utc_time_created: new Date(createdAt).toISOString().replace('T', ' ').replace('Z', '000'),
  };
}

/** `any` and not `double` or `string`: MLflow would refuse pandas' whole numbers in a double column. */
function column({ name }: Feature): object {
  return { type: 'any', name, required: true };
}

function features(encoder: Uint8Array): Feature[] {
  try {
    return encoderShape.parse(JSON.parse(new TextDecoder().decode(encoder))).features;
  } catch (cause) {
    throw new BadData('the encoder is not JSON that lists its features by name and type', {
      cause,
    });
  }
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function yaml(value: object): Uint8Array {
  return Buffer.from(stringify(value, { lineWidth: 0 }));
}
