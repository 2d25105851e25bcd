import { z } from 'zod';
import type { Http } from './http.ts';

/** What MLflow says of a run; 64-bit numbers come as numbers or as strings. */
export const runInfo = z.object({
  run_id: z.string(),
  run_name: z.string().default(''),
  experiment_id: z.string(),
  status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
  start_time: z.coerce.number().default(0),
  artifact_uri: z.string().default(''),
});
type RunInfo = z.infer<typeof runInfo>;

/** Where a run is and keeps its files. Neither ever changes, so asking once is enough. */
export interface RunPlace {
  experimentId: string;
  artifactUri: string;
}

const REMEMBERED = 1_000;
const found = z.object({ run: z.object({ info: runInfo }) });

/** The places of the last runs seen: a worker lives long, its memory of runs need not. */
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
