import type { BucketOptions } from '../bucket.ts';

/**
 * .dvc/config (https://dvc.org/doc/user-guide/project-structure/configuration) with the bucket as the
 * default remote. Credentials never stand in it: DVC takes them where AWS's tools do.
 * @param noScm whether the folder is in no git repository, which DVC must be told
 */
export function dvcConfig(
  { bucket, endpoint, region }: Pick<BucketOptions, 'bucket' | 'endpoint' | 'region'>,
  { noScm }: { noScm: boolean },
): string {
  const lines = [
    '[core]',
    '    remote = store',
    ...(noScm ? ['    no_scm = true'] : []),
    `['remote "store"']`,
    `    url = s3://${bucket}`,
    ...(endpoint === undefined ? [] : [`    endpointurl = ${endpoint}`]),
    `    region = ${region}`,
    // DVC hashes what it pulls only when told to: else a damaged object would pass for the file.
    '    verify = true',
  ];
  return `${lines.join('\n')}\n`;
}
