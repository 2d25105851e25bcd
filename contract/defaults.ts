/** What a model predicts: one of some classes, or a number. */
export const TASKS = ['classification', 'regression'] as const;
export type Task = (typeof TASKS)[number];

/** Cells that mean "not known" unless others are given. */
export const MISSING_VALUES: readonly string[] = ['', 'NA', 'N/A', 'NaN', 'null', '?'];

/** The task of a run. A run that was pinned before there were two tasks has none. */
export function taskOf({ model }: { readonly model: { readonly task?: Task } }): Task {
  return model.task ?? 'classification';
}

/** The type of model of a run that names none. */
export const DEFAULT_MODEL_TYPE = 'decision_tree';

/** The type of a run's model. A run that was pinned before there were several types has none. */
export function modelTypeOf({ type }: { readonly type?: string }): string {
  return type ?? DEFAULT_MODEL_TYPE;
}
