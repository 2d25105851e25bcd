import { workflowInfo } from '@temporalio/workflow';
import { plain } from './markdown.ts';

/** What a batch that this workflow begins says of itself in the Web UI: a summary, and details in Markdown. */
export function aboutChild(
  pipeline: string,
  batch: number,
): { staticSummary: string; staticDetails: string } {
  const batches = batch === 1 ? 'batch 1' : `batches 1–${batch}`;
  return {
    staticSummary: `${pipeline} · batch ${batch}`,
    staticDetails: [
      `Version ${batch} of **${plain(pipeline)}**: the model retrained on ${batches}.`,
      [
        `- begun by ${plain(workflowInfo().workflowId)}`,
        `- from a terminal: \`npm run client -- status ${batch} --pipeline ${pipeline}\``,
      ].join('\n'),
    ].join('\n\n'),
  };
}
