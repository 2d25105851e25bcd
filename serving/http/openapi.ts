import packageFile from '../../package.json' with { type: 'json' };
import type { Predictor, RawColumn } from '../../pipeline/predictions/predictor.ts';

/** Describes the server by OpenAPI 3.1, with the columns and the classes of the model that answers. */
export function describeApi(predictor: Predictor): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Predictions',
      version: packageFile.version,
      description: "Answers raw rows by a stored model, in MLflow's scoring protocol.",
    },
    paths: {
      '/invocations': { post: describeInvocations(predictor) },
      '/ping': { get: describeGet('Whether the server answers', 'application/json') },
      '/health': {
        get: describeGet('Which model answers, and whether it is the newest', 'application/json', {
          $ref: '#/components/schemas/Health',
        }),
      },
      '/report': {
        get: describeGet(
          'What a canary, a shadow and the log of requests have done since the start',
          'application/json',
          { type: 'object' },
        ),
      },
      '/version': { get: describeGet('The version of the server', 'text/plain') },
      '/metrics': { get: describeGet('Metrics for Prometheus', 'text/plain') },
      '/openapi.json': {
        get: describeGet('This document', 'application/json', { type: 'object' }),
      },
    },
    components: {
      schemas: {
        Row: describeRow(predictor.columns),
        Request: describeRequest(predictor.columns),
        Health: HEALTH,
        Error: ERROR,
      },
    },
  };
}

const TEXT = { type: 'string' };
const ERROR = {
  type: 'object',
  required: ['error_code', 'message'],
  properties: { error_code: TEXT, message: TEXT },
};
const HEALTH = {
  type: 'object',
  required: ['status', 'pipeline', 'model', 'version', 'build', 'checked_at', 'problem'],
  properties: {
    status: { enum: ['ok', 'degraded'] },
    pipeline: TEXT,
    model: { type: 'string', description: 'What the server was asked to serve' },
    version: { type: 'integer' },
    build: { type: 'integer' },
    checked_at: { type: 'string', format: 'date-time' },
    problem: {
      type: ['string', 'null'],
      description: 'Why the newest model may not be the one that answers',
    },
    canary: { type: 'object', description: 'The same of the canary, if there is one' },
    shadow: { type: 'object', description: 'The same of the shadow, if there is one' },
    log: { type: 'object', description: 'The problem of the log of requests, if there is one' },
  },
};

function describeGet(summary: string, type: string, schema: object = TEXT): object {
  return { summary, responses: { 200: { description: summary, content: { [type]: { schema } } } } };
}

function describeInvocations({ words, columns, labelType }: Predictor): object {
  const label = {
    type: { boolean: 'boolean', long: 'integer', double: 'number', string: 'string' }[labelType],
  };
  const shares = {
    type: 'object',
    properties: Object.fromEntries((words ?? []).map((word) => [word, { type: 'number' }])),
  };
  const refusals = {
    400: 'The rows cannot be read: the sentence names the field and the row',
    413: 'The body is too large',
    415: 'The content type is not supported',
    503: 'Too many requests are being answered',
  };
  return {
    summary: 'Predict rows',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/Request' },
          example: {
            dataframe_split: {
              columns: columns.map(({ name }) => name),
              data: [columns.map(() => null)],
            },
          },
        },
        'text/csv': { schema: TEXT },
      },
    },
    responses: {
      200: {
        description: 'One prediction for each row, in the order of the rows',
        headers: {
          'x-model-version': {
            description:
              'VERSION.BUILD, or two of them with ", " between if a canary has answered some rows',
            schema: TEXT,
          },
          'x-request-id': {
            description: 'The ID of the request in the log, if the server has one',
            schema: TEXT,
          },
        },
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['predictions'],
              properties: {
                predictions: {
                  type: 'array',
                  items: words === undefined ? label : { anyOf: [label, shares] },
                },
                model_versions: {
                  type: 'array',
                  description: 'If two versions have answered: VERSION.BUILD for each row',
                  items: TEXT,
                },
              },
            },
          },
        },
      },
      ...Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          status,
          {
            description,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  };
}

function describeRow(columns: readonly RawColumn[]): object {
  const types = {
    number: { type: ['number', 'string', 'null'] },
    category: { type: ['string', 'number', 'boolean', 'null'] },
    date: { type: ['string', 'null'], description: 'As the data writes it, such as 2024-02-29' },
  };
  return {
    type: 'object',
    description: 'Values by the names of the columns; others are ignored',
    properties: Object.fromEntries(columns.map(({ name, type }) => [name, types[type]])),
  };
}

function describeRequest(columns: readonly RawColumn[]): object {
  const rows = { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Row' } };
  const lists = { type: 'array', minItems: 1, items: { type: 'array' } };
  const byColumn = {
    type: 'object',
    description: 'A list of values for each column',
    properties: Object.fromEntries(columns.map(({ name }) => [name, { type: 'array' }])),
  };
  const fields = {
    dataframe_split: {
      type: 'object',
      required: ['data'],
      properties: {
        columns: { type: 'array', items: TEXT },
        data: lists,
        index: { type: 'array' },
      },
    },
    dataframe_records: rows,
    instances: { anyOf: [rows, lists, byColumn] },
    inputs: { anyOf: [rows, lists, byColumn] },
  };
  return {
    type: 'object',
    properties: {
      ...fields,
      params: { type: 'object', properties: { proba: { type: 'boolean', default: false } } },
    },
    oneOf: Object.keys(fields).map((field) => ({ required: [field] })),
  };
}
