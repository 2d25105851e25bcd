import type { Folder } from './folder.ts';

/** The folder of a model of an experiment. */
export function modelPath(folder: Folder, experimentId: string, modelId: string): string {
  return folder.at(experimentId, 'models', modelId);
}
