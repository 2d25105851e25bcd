import { makeArtifactUrl, makeLookCommand, makeRunUrl } from '../place.ts';
import type { Tracker } from '../tracker.ts';
import { ensureExperiment } from './experiment.ts';
import { Folder } from './folder.ts';
import { logModel } from './logged-model.ts';
import { createRun, deleteRun, findRuns, finishRun, hasRun, renameRun, resumeRun } from './run.ts';
import { logArtifact, logInputs, logMetrics, logParams, setTags } from './run-data.ts';

/**
 * Creates a tracker on a directory in the layout of MLflow's FileStore, for use without a server. MLflow can show
 * and migrate the directory, and is not needed to write it. It has no registry of models.
 */
export function createFilesTracker(options: {
  path: string;
  signal?: AbortSignal | undefined;
}): Tracker {
  return trackOn(new Folder(options.path), options.signal);
}

function trackOn(folder: Folder, ownSignal: AbortSignal | undefined): Tracker {
  const act = async <T>(work: () => Promise<T>): Promise<T> => {
    ownSignal?.throwIfAborted();
    return folder.do(work);
  };
  return {
    uri: folder.uri,
    look: makeLookCommand(folder.uri, folder.path),
    place: () => folder.place(),
    withSignal: (added) =>
      trackOn(folder, ownSignal === undefined ? added : AbortSignal.any([ownSignal, added])),
    check: () => act(() => folder.prepare()),
    ensureExperiment: (name, description) => act(() => ensureExperiment(folder, name, description)),
    hasRun: (runId) => act(() => hasRun(folder, runId)),
    findRuns: (experimentId, tags) => act(() => findRuns(folder, experimentId, tags)),
    createRun: (run) => act(() => createRun(folder, run)),
    deleteRun: (runId) => act(() => deleteRun(folder, runId)),
    resumeRun: (runId) => act(() => resumeRun(folder, runId)),
    finishRun: (runId, status, endedAt) => act(() => finishRun(folder, runId, status, endedAt)),
    renameRun: (runId, name) => act(() => renameRun(folder, runId, name)),
    logParams: (runId, params) => act(() => logParams(folder, runId, params)),
    logMetrics: (runId, metrics, at) => act(() => logMetrics(folder, runId, metrics, at)),
    setTags: (runId, tags) => act(() => setTags(folder, runId, tags)),
    logInputs: (runId, datasets, modelId) => act(() => logInputs(folder, runId, datasets, modelId)),
    logArtifact: (runId, path, bytes) => act(() => logArtifact(folder, runId, path, bytes)),
    logModel: (runId, model) => act(() => logModel(folder, runId, model)),
    registerModel: async () => null,
    describeVersion: async () => undefined,
    getAlias: async () => undefined,
    setAlias: async () => true,
    makeRunUrl: (experimentId, runId) => makeRunUrl(folder.uri, experimentId, runId),
    makeArtifactUrl: (experimentId, runId, path) =>
      makeArtifactUrl(folder.uri, { experimentId, runId, path }),
    makeModelUrl: () => folder.uri,
  };
}
