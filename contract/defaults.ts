/** What a model predicts: a class or a number. */
export const TASKS = ['classification', 'regression'] as const;
export type Task = (typeof TASKS)[number];

/** The default of `missing_values`: cells that mean "not known". */
export const MISSING_VALUES: readonly string[] = ['', 'NA', 'N/A', 'NaN', 'null', '?'];

/** The task of a run. A run of an earlier program has no task: it is a classification. */
export function taskOf({ model }: { readonly model: { readonly task?: Task } }): Task {
  return model.task ?? 'classification';
}

/** The type of model of a run that does not name one. */
export const DEFAULT_MODEL_TYPE = 'decision_tree';

/** The type of a run's model. A run of an earlier program has no type: it is the default. */
export function modelTypeOf({ type }: { readonly type?: string }): string {
  return type ?? DEFAULT_MODEL_TYPE;
}
