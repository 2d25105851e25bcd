import { BadParams } from '../../contract/failures.ts';

/** Names of query parameters that carry a secret: signed links and tokens. */
const SECRET =
  /^(x-amz-.*|x-goog-.*|awsaccesskeyid|signature|sig|.*token|.*secret.*|.*passw.*|pwd|(api|access|auth)?[-_]?key|auth|authorization)$/i;

/**
 * Reads the URL of a source.
 * @throws BadParams when it is none, or when it carries a secret: params are kept in histories.
 */
export function checkUrl(source: string): URL {
  if (!URL.canParse(source))
    throw new BadParams(`data.source ${source.split('?')[0]} is not a URL: check its spelling`);
  const url = new URL(source);
  if (url.username !== '' || url.password !== '')
    throw new BadParams(
      `data.source names a user or password in the URL of ${url.host}, where a run's history would keep it: give the URL without, or put the file into S3 and name it as s3://bucket/key`,
    );
  const secret = [...url.searchParams.keys()].find((name) => SECRET.test(name));
  if (secret !== undefined)
    throw new BadParams(
      `data.source carries a secret in the URL of ${url.host} (its parameter ${secret}), where a run's history would keep it: fetch the file first and name its path, or put it into S3 and name it as s3://bucket/key`,
    );
  url.hash = '';
  return url;
}

/** A URL for a sentence: without its query, which may be long and is nobody's business. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
