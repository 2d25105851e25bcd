import { plain } from '../workflows/markdown.ts';
import type { Session } from './session.ts';
import type { Request } from './start.ts';

/** What a run is for, in Markdown, on its page in Temporal's Web UI: what is known before it starts. */
export function staticDetails(
  { config, tracker, store }: Pick<Session, 'config' | 'tracker' | 'store'>,
  { pipeline, batch, set, until, only, force }: Request,
): string {
  const doing =
    only !== undefined
      ? `Stage **${only}** alone.`
      : until !== undefined && until !== 'evaluate'
        ? `The stages up to **${until}**.`
        : `Version ${batch} of **${plain(pipeline)}**: the model retrained on ${batch === 1 ? 'batch 1' : `batches 1–${batch}`}.`;
  const changed =
    Object.keys(set).length > 0 ? ` With \`${JSON.stringify(set)}\` over params.yaml.` : '';
  const at = /^https?:/.test(tracker.uri)
    ? `[${tracker.uri}](${tracker.uri})`
    : `\`${tracker.uri}\``;
  return [
    `${doing}${changed}${force === true ? ' Forced: nothing is taken from the cache.' : ''}`,
    [
      `- asked for ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      `- MLflow experiment \`${config.tracking.experimentName}\` at ${at}`,
      `- artifacts in \`s3://${store.bucket.location.bucket}\``,
      `- from a terminal: \`npm run client -- status ${batch} --pipeline ${pipeline}\``,
    ].join('\n'),
  ].join('\n\n');
}
