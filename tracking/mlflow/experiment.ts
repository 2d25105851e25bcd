import { z } from 'zod';
import { TrackingRefused } from '../../contract/failures.ts';
import { codeOf } from './failure.ts';
import type { Http } from './http.ts';

const found = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }),
});
const created = z.object({ experiment_id: z.string() });

/**
 * The experiment's id, created if there is none. Asked each time and never cached: it costs 5 ms,
 * and after the server's database is replaced an old id may be another experiment's.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#get-experiment-by-name
 */
export async function ensureExperiment(http: Http, name: string): Promise<string> {
  const existing = await experimentNamed(http, name);
  if (existing !== undefined) return existing;
  try {
    return (await http.post('experiments/create', { name }, created)).experiment_id;
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error;
    // Another worker was first.
    const theirs = await experimentNamed(http, name);
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function experimentNamed(http: Http, name: string): Promise<string | undefined> {
  try {
    const query = { experiment_name: name };
    const { experiment } = await http.get('experiments/get-by-name', query, found);
    if (experiment.lifecycle_stage === 'active') return experiment.experiment_id;
    const { uri } = http.options;
    throw new TrackingRefused(
      `experiment "${name}" was deleted on the MLflow server at ${uri}: restore it with "MLFLOW_TRACKING_URI=${uri} mlflow experiments restore --experiment-id ${experiment.experiment_id}", or set another mlflow.experiment_name`,
    );
  } catch (error) {
    if (codeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    throw error;
  }
}
