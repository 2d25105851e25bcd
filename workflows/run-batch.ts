import { startChild, workflowInfo } from '@temporalio/workflow';
import { RETRAIN } from '../contract/command.ts';
import { escapeMarkdown } from '../contract/markdown.ts';
import { workflowIdOf, type RunSummary, type TrainBatchInput } from '../contract/train-batch.ts';

/**
 * Runs a batch in a separate workflow, as if a person had started it, and waits for its end.
 * @throws WorkflowExecutionAlreadyStartedError when another workflow runs the batch
 */
export async function runBatch(input: TrainBatchInput & { pipeline: string }): Promise<RunSummary> {
  const { pipeline, batch } = input;
  const batches = batch === 1 ? 'batch 1' : `batches 1–${batch}`;
  // The type is named by its text, because trainBatch itself runs earlier batches with this function.
  const child = await startChild<(input: TrainBatchInput) => Promise<RunSummary>>('trainBatch', {
    workflowId: workflowIdOf(input),
    args: [input],
    // The result of the child is useful without this workflow: only a cancellation stops the child too.
    parentClosePolicy: 'ABANDON',
    staticSummary: `${pipeline} · batch ${batch}`,
    staticDetails: [
      `Version ${batch} of **${escapeMarkdown(pipeline)}**: the model retrained on ${batches}.`,
      [
        `- started by ${escapeMarkdown(workflowInfo().workflowId)}`,
        `- from a terminal: \`${RETRAIN} status ${batch} --pipeline ${pipeline}\``,
      ].join('\n'),
    ].join('\n\n'),
  });
  return child.result();
}
