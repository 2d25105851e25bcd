import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait long for timeouts and restarts: started last, they would keep the others' cores idle. */
const FIRST = [
  'faults/handover',
  'e2e/dvc-export',
  'infra/state',
  'faults/faults',
  'faults/proxy',
  'infra/stack',
  'e2e/dvc-grown',
  'e2e/contract',
  'tracking/model',
];

/** Files that need MinIO, which CI builds meanwhile. */
const LAST = ['store/', 'sources/s3', 'e2e/dvc-servers'];

/** The order of the servers' test files, of which several run at once. */
export class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification): number => {
      if (project.name !== 'servers') return -1; // the unit tests, before all servers' tests
      if (FIRST.some((part) => moduleId.includes(`/test/${part}`))) return 0;
      return LAST.some((part) => moduleId.includes(`/${part}`)) ? 2 : 1;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
