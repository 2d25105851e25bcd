import { z } from 'zod';
import type { FinalStatus, FoundRun, NewRun } from '../tracker.ts';
import { codeOf } from './failure.ts';
import { anything, type Http } from './http.ts';
import { tagValue } from './limits.ts';

/** A run as MLflow describes it. 64-bit numbers come as numbers or as strings. */
export const runInfo = z.object({
  run_id: z.string(),
  run_name: z.string().default(''),
  experiment_id: z.string(),
  status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
  start_time: z.coerce.number().default(0),
  artifact_uri: z.string().default(''),
});
type RunInfo = z.infer<typeof runInfo>;

const pairs = z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]);
const runs = z.object({
  runs: z
    .array(z.object({ info: runInfo, data: z.object({ tags: pairs }).default({ tags: [] }) }))
    .default([]),
  next_page_token: z.string().optional(),
});
const created = z.object({ run: z.object({ info: runInfo }) });

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#search-runs */
export async function findRuns(
  http: Http,
  places: RunPlaces,
  experimentId: string,
  tags: Record<string, string>,
): Promise<FoundRun[]> {
  const wanted = Object.entries(tags).map(([key, value]) => [key, tagValue(value)] as const);
  const filter = equalsFilter(
    wanted.flatMap(([key, value]): [string, string][] => {
      const field = toTagField(key);
      return field === undefined ? [] : [[field, value]];
    }),
  );
  const result: FoundRun[] = [];
  let token: string | undefined;
  do {
    const page = await http.search(
      'runs/search',
      {
        experiment_ids: [experimentId],
        filter,
        run_view_type: 'ACTIVE_ONLY',
        max_results: 1_000,
        order_by: ['attributes.start_time ASC'],
        page_token: token,
      },
      runs,
    );
    for (const { info, data } of page.runs) {
      const actual = Object.fromEntries(data.tags.map(({ key, value }) => [key, value]));
      // Tags are compared again, because some databases ignore case and the filter may leave terms out.
      if (!wanted.every(([key, value]) => actual[key] === value)) continue;
      places.remember(info);
      result.push({
        runId: info.run_id,
        experimentId: info.experiment_id,
        name: info.run_name,
        status: info.status,
        startedAt: info.start_time,
        tags: actual,
      });
    }
    token = page.next_page_token;
  } while (token !== undefined && token !== '');
  return result;
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#create-run */
export async function createRun(http: Http, places: RunPlaces, run: NewRun): Promise<string> {
  const body = {
    experiment_id: run.experimentId,
    run_name: run.name,
    start_time: run.startedAt,
    tags: Object.entries(run.tags).map(([key, value]) => ({ key, value: tagValue(value) })),
  };
  const { info } = (await http.post('runs/create', body, created)).run;
  places.remember(info);
  return info.run_id;
}

const stage = z.object({
  run: z.object({ info: z.object({ lifecycle_stage: z.string().default('active') }) }),
});

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#get-run */
export async function hasRun(http: Http, runId: string): Promise<boolean> {
  try {
    const { run } = await http.get('runs/get', { run_id: runId }, stage);
    return run.info.lifecycle_stage === 'active';
  } catch (error) {
    if (codeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return false;
    throw error;
  }
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#delete-run */
export async function deleteRun(http: Http, runId: string): Promise<void> {
  try {
    await http.post('runs/delete', { run_id: runId }, anything);
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_DOES_NOT_EXIST') throw error;
  }
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#update-run */
export async function resumeRun(http: Http, runId: string): Promise<void> {
  await http.post('runs/update', { run_id: runId, status: 'RUNNING' }, anything);
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#update-run */
export async function finishRun(
  http: Http,
  runId: string,
  status: FinalStatus,
  endedAt: number,
): Promise<void> {
  await http.post('runs/update', { run_id: runId, status, end_time: endedAt }, anything);
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#update-run */
export async function renameRun(http: Http, runId: string, name: string): Promise<void> {
  await http.post('runs/update', { run_id: runId, run_name: name }, anything);
}

/** The experiment of a run and where its files are. Neither changes, so one request is enough. */
export interface RunPlace {
  experimentId: string;
  artifactUri: string;
}

const REMEMBERED = 1_000;
const found = z.object({ run: z.object({ info: runInfo }) });

/** The places of the latest runs. The number is bounded, because a worker runs for a long time. */
export class RunPlaces {
  readonly #places = new Map<string, RunPlace>();

  remember(info: RunInfo): RunPlace {
    const place = { experimentId: info.experiment_id, artifactUri: info.artifact_uri };
    this.#places.set(info.run_id, place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > REMEMBERED && oldest !== undefined) this.#places.delete(oldest);
    return place;
  }

  /** https://mlflow.org/docs/latest/api_reference/rest-api.html#get-run */
  async of(http: Http, runId: string): Promise<RunPlace> {
    const known = this.#places.get(runId);
    if (known !== undefined) return known;
    return this.remember((await http.get('runs/get', { run_id: runId }, found)).run.info);
  }
}

/**
 * Returns MLflow's filter for "equals all of these". Its strings are quoted by `'` or `"` and have no escape.
 * A value that cannot be quoted is left out, so callers must compare the results themselves.
 * https://mlflow.org/docs/latest/ml/search/search-runs/
 */
export function equalsFilter(terms: [field: string, value: string][]): string {
  return terms
    .flatMap(([field, value]) => {
      const literal = quote(value);
      return literal === undefined ? [] : [`${field} = ${literal}`];
    })
    .join(' AND ');
}

/** Returns the name of a tag in a filter; undefined when it cannot be written. */
export function toTagField(key: string): string | undefined {
  return /[`\\]/.test(key) ? undefined : `tags.\`${key}\``;
}

function quote(value: string): string | undefined {
  if (value.includes('\\')) return undefined;
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? undefined : `"${value}"`;
}
