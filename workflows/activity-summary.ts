import type { StageName, StageResult } from '../contract/stages.ts';

export type Facts = StageResult['facts'];

/** What the stages before this one have told of the data, by stage. */
export type KnownFacts = Partial<Record<StageName, Facts>>;

/**
 * What a stage works on: "1 240 rows · depth 5". Temporal's Web UI puts the activity's name before it, so
 * that a person reads "train • 1 240 rows · depth 5".
 */
export function summaryOf(
  stage: StageName,
  { batch, params }: { batch: number; params: { data: { source: string }; model: object } },
  known: KnownFacts,
): string {
  const { max_depth: depth } = params.model as { max_depth?: number };
  const about: Record<StageName, string[]> = {
    get_data: [lastPart(params.data.source)],
    prepare_batch: [`batch ${batch}`],
    merge_data: [batch === 1 ? 'batch 1' : `batches 1–${batch}`],
    preprocess: [rows(known.merge_data?.['rows'])],
    train: [rows(known.preprocess?.['train_rows']), depth === undefined ? '' : `depth ${depth}`],
    evaluate: [rows(known.preprocess?.['test_rows'], 'test rows')],
  };
  return about[stage].filter((word) => word !== '').join(' · ');
}

/** What came of a stage, in a few words: "120 train rows · 30 test rows". */
export function factsLine(stage: StageName, facts: Facts): string {
  const shown: Record<StageName, [string, string][]> = {
    get_data: [
      ['rows', 'rows'],
      ['new_rows', 'new rows'], // of a look at the source
    ],
    prepare_batch: [['rows', 'rows']],
    merge_data: [['rows', 'rows']],
    preprocess: [
      ['train_rows', 'train rows'],
      ['test_rows', 'test rows'],
    ],
    train: [
      ['leaves', 'leaves'],
      ['depth', 'deep'],
    ],
    evaluate: [['test_rows', 'test rows']],
  };
  return shown[stage]
    .map(([fact, unit]) => rows(facts[fact], unit))
    .filter((words) => words !== '')
    .join(' · ');
}

function rows(count: Facts[string] | undefined, unit = 'rows'): string {
  return typeof count === 'number' ? `${grouped(count)} ${unit}` : '';
}

/** 1 240: groups of three with a space that does not break. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}

/** A file's name without its folders: where one machine keeps it says nothing to others. */
function lastPart(source: string): string {
  return source.split(/[/\\]/).findLast((part) => part !== '') ?? source;
}
