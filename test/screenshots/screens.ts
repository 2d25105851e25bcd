import type { RunId, Scene } from './scene.ts';

/** A page that the docs show. */
export interface Screen {
  /** The picture's file name, without its folder and ending. */
  name: string;
  url: string;
  /** Texts that a person sees on it, in any of its frames. */
  sees: string[];
  /** Texts that are not there. */
  lacks?: string[];
  /** Targets of links on it. */
  links?: string[];
  /** The text of what is clicked first. */
  click?: string;
  /** Of the picture, in pixels. */
  height: number;
}

/** Every page that the docs show, with what must be seen on it. */
export function screensOf(scene: Scene): Screen[] {
  return [...runs(scene), ...promotions(scene), ...nights(scene), ...tracked(scene), report(scene)];
}

function runs({ webUi, last, runs: { nightly, byHand, failed }, built, shallow }: Scene): Screen[] {
  const query = `RetrainBatch > 1 AND RetrainAccuracy < 0.95`;
  const made = built.stages.find(({ stage }) => stage === 'preprocess')!.made!;
  const [trainRows = '', testRows = ''] = made
    .split(' · ')
    .map((fact) => fact.replace('\u00a0', ' '));
  return [
    {
      name: 'web-ui-runs',
      url: webUi(`/workflows?query=${encodeURIComponent(query)}`),
      sees: ['RetrainBatch', 'RetrainOutcome', `iris-batch-${last}`, accuracyOf(built), 'trained'],
      lacks: ['iris-batch-1\n', 'iris-batch-99'],
      height: 640,
    },
    {
      name: 'web-ui-timeline',
      url: tabOf(webUi, nightly, 'timeline'),
      sees: [
        'get_data • iris',
        `merge_data • batches 1–${last}`,
        `train • ${trainRows.replace('train ', '')} · depth 5`,
        `evaluate • ${testRows}`,
        `publish_version • version ${last}`,
      ],
      height: 1060,
    },
    {
      name: 'web-ui-details',
      url: tabOf(webUi, byHand, 'user-metadata'),
      sees: [
        `iris · batch ${last}`,
        `the model retrained on batches 1–${last}`,
        '{"model":{"max_depth":2}}',
        `version ${last}, build 2, is published`,
        '≡ cached',
        accuracyOf(shallow),
        `${shallow.mlflow!.modelName} version ${shallow.mlflow!.modelVersion}`,
      ],
      links: [shallow.mlflow!.links!.run, shallow.mlflow!.links!.model!],
      height: 820,
    },
    {
      name: 'web-ui-failed',
      url: tabOf(webUi, failed, 'user-metadata'),
      sees: ['failed in prepare_batch: batch 99 does not exist', '✖ failed', '· waiting'],
      height: 700,
    },
  ];
}

function promotions({ webUi, last, waiting }: Scene): Screen[] {
  return [
    {
      name: 'web-ui-approval',
      url: tabOf(webUi, waiting, 'user-metadata'),
      sees: [
        `iris · promotion`,
        `version ${last}, build 3, waits for approval`,
        `npx retrain approve ${last}.3 --reason`,
      ],
      height: 820,
    },
  ];
}

function nights({ webUi, last, night, built }: Scene): Screen[] {
  return [
    {
      name: 'web-ui-nightly',
      url: tabOf(webUi, night, 'user-metadata'),
      sees: [
        'iris · nightly',
        'that have data and no version',
        `batches 1–${last} of iris done`,
        accuracyOf(built),
      ],
      height: 720,
    },
    {
      name: 'web-ui-schedule',
      url: webUi('/schedules/iris-nightly'),
      sees: ['At 04:30 every day', night.workflowId, 'Europe/Berlin', 'Skip', '12 hours', 'True'],
      height: 960,
    },
  ];
}

function tracked({ mlflow, last, built, shallow, pipelineRun }: Scene): Screen[] {
  const { experimentId, runId } = built.mlflow!;
  const list = (values: string[]): string => encodeURIComponent(JSON.stringify(values));
  const compared = [runId, shallow.mlflow!.runId];
  return [
    {
      name: 'mlflow-runs',
      url: mlflow(`/experiments/${experimentId}/runs`),
      sees: [
        'iris-v1',
        `iris-v${last}.2`,
        'accuracy',
        'model.max_depth',
        `${last + 3} matching runs`,
      ],
      height: 640,
    },
    {
      name: 'mlflow-run',
      url: mlflow(`/experiments/${experimentId}/runs/${runId}`),
      sees: [
        `iris-v${last}`,
        'Finished',
        'iris-train',
        `iris-batch-${last}`,
        `iris version ${last}, build 1`,
        `version ${last - 1}`,
        'run in Temporal',
      ],
      height: 1200,
    },
    {
      name: 'mlflow-model',
      url: mlflow(`/models/${encodeURIComponent(built.mlflow!.modelName)}`),
      sees: [built.mlflow!.modelName, 'champion', `batch-${last}`],
      height: 720,
    },
    {
      name: 'mlflow-versions',
      url: mlflow(`/experiments/${experimentId}/runs/${pipelineRun}/model-metrics`),
      sees: ['iris', 'Model metrics', 'accuracy', 'balanced_accuracy'],
      lacks: ['accuracy_low'],
      height: 800,
    },
    {
      name: 'mlflow-compare',
      url: mlflow(`/compare-runs?runs=${list(compared)}&experiments=${list([experimentId])}`),
      sees: ['Comparing 2 Runs', ...compared, 'model.max_depth', 'accuracy'],
      click: 'Visualizations', // folded away: what differs is in the tables below
      height: 1000,
    },
  ];
}

function report({ report: url, last }: Scene): Screen {
  const sees = [
    `iris · version ${last}`,
    `batches 1 to ${last}`,
    `Change against version ${last - 1}`,
    'Scores over versions',
    'Right and wrong predictions',
    'petal',
  ];
  return { name: 'report', url, sees, height: 1150 };
}

function tabOf(webUi: Scene['webUi'], { workflowId, runId }: RunId, tab: string): string {
  return webUi(`/workflows/${encodeURIComponent(workflowId)}/${runId}/${tab}`);
}

/** Three decimals: more, and pages round each in their own way. */
function accuracyOf({ version }: Scene['built']): string {
  return String(version!.metrics['accuracy']!).slice(0, 5);
}
