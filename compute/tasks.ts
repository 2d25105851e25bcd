import { conformBatch } from '../pipeline/batches/conform.ts';
import { fitModel } from '../pipeline/models/fit-task.ts';
import { writeOnnx } from '../pipeline/predictions/onnx.ts';
import { compareModels } from '../pipeline/scoring/compare-task.ts';
import { decideGate } from '../pipeline/scoring/gate/gate-task.ts';
import { findTrained, hashParts } from '../pipeline/scoring/leakage.ts';
import { evaluateModel } from '../pipeline/scoring/evaluate-task.ts';
import { addCounts, encodePart, fitFromCounts } from '../pipeline/features/part-tasks.ts';
import { cutBatches, findFirstChange, growRaw, inspectRaw } from '../pipeline/batches/raw-tasks.ts';

/**
 * The steps of the pipeline that need a processor. Each is a function of bytes, small values and files, so that it
 * can run in a thread.
 */
export const tasks = {
  inspectRaw,
  cutBatches,
  conformBatch,
  findFirstChange,
  growRaw,
  addCounts,
  encodePart,
  fitFromCounts,
  fitModel,
  writeOnnx,
  hashParts,
  findTrained,
  evaluateModel,
  compareModels,
  decideGate,
};

export type TaskName = keyof typeof tasks;
export type TaskInput<Name extends TaskName> = Parameters<(typeof tasks)[Name]>[0];
export type TaskOutput<Name extends TaskName> = Awaited<ReturnType<(typeof tasks)[Name]>>;
