import { BadParams } from './failures.ts';
import { nameSetting } from './wrong-value.ts';

/** The part of the params that says where data comes from. */
export interface SourceParams {
  source: string;
  /** The environment variable, of the machine that reads the source, with the URL and its whole query. */
  source_secret_env: string | null;
}

/**
 * Names of query parameters that say which data is meant, and in which form. Any other parameter can be a secret.
 */
const HARMLESS = new Set(
  `accesstype alt branch charset columns compression country date datasetid dataset dataset_id day decimal delimiter
  dir dl download encoding end end_date enddate export ext facet fields file filename filetype filter filters folder
  format fmt from gid group groupby group_by header headers id interval lang language layer limit locale month name
  offset order orderby order_by output page page_size pagesize path per_page period range raw ref region resource
  resource_id resourceid rev revision rows sep separator select series sheet single size skip sort source start
  start_date startdate symbol table tag timezone to top type tz unit usp v ver version where year
  $filter $format $group $limit $offset $order $select $skip $top $where`.split(/\s+/),
);

/** Longer values, and signed tokens (they begin like this), are no names of data. */
const LONGEST = 100;
const TOKEN = /^eyJ/;

const HOW = `keep the whole URL in an environment variable of the worker, name it in data.source_secret_env (RETRAIN_SOURCE_URL, or RETRAIN_SOURCE_URL_ and a word), and give the URL without its query in data.source`;

/**
 * Checks where the data of a run comes from, before anything keeps its params: histories, records and MLflow do.
 * @throws BadParams, whose message does not repeat what may be a secret
 */
export function checkSource({ source, source_secret_env: secretEnv }: SourceParams): void {
  const isUrl = /^https?:\/\//i.test(source);
  if (isUrl) checkUrl(source);
  else if (/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(source))
    throw new BadParams(
      `data.source holds a user or password before an @, which the history of a run would keep: remove it; credentials come from the environment`,
    );
  if (secretEnv !== null && (!isUrl || source.includes('?')))
    throw new BadParams(
      `data.source_secret_env is ${secretEnv}, and data.source is not an http(s) URL without a query: ${HOW}`,
    );
}

/**
 * Parses the URL of a source.
 * @throws BadParams when it is not a URL, or when it may hold a secret
 */
export function checkUrl(source: string): URL {
  const url = parseUrl(source);
  if (url.hash !== '')
    throw new BadParams(
      `data.source holds a # in the URL of ${url.host}, and what follows is never sent to a server: remove it`,
    );
  if (/(;|%3b)[^/]*(=|%3d)/i.test(url.pathname))
    throw new BadParams(
      `data.source holds a parameter after a ";" in the path of the URL of ${url.host} that may be a secret, as that of a session, which the history of a run would keep: remove it, or download the file and give its path`,
    );
  for (const [name, value] of url.searchParams)
    if (!HARMLESS.has(name.toLowerCase()) || value.length > LONGEST || TOKEN.test(value))
      throw new BadParams(
        `data.source holds a query in the URL of ${url.host} that may be a secret (${describeParameter(name, value)}), which the history of a run would keep: ${HOW}; or download the file and give its path`,
      );
  return url;
}

/** A query without a value is its own name, so that the name can be the secret. */
function describeParameter(name: string, value: string): string {
  const isWord = value !== '' && /^[\w$.-]{1,40}$/.test(name);
  return isWord ? `its parameter ${name}` : 'one of its parameters';
}

/**
 * Parses a URL of which only the user and password are checked: params that are stored may have any query.
 * @throws BadParams when it is not a URL, or holds a user or password
 */
export function parseUrl(source: string): URL {
  if (!URL.canParse(source))
    throw new BadParams(
      `${nameSetting('data.source', source.replace(/\?[^@]*$/s, ''))} is not a URL: check its spelling`,
    );
  const url = new URL(source);
  if (url.username !== '' || url.password !== '')
    throw new BadParams(
      `data.source holds a user or password in the URL of ${url.host}, which the history of a run would keep: remove it from the URL, or put the file into S3 and give s3://bucket/key`,
    );
  return url;
}

/**
 * Reads the URL with its secret query from the environment. It must be the URL of the source with a query added.
 * Anyone who starts a run can choose the source, and must not be able to choose where the secret is sent.
 * @throws BadParams, whose message has no part of the secret
 */
export function readSecretUrl(
  { source, source_secret_env: name }: { source: string; source_secret_env: string },
  env: NodeJS.ProcessEnv = process.env,
): URL {
  const url = parseUrl(source);
  const text = env[name] ?? '';
  const expected = `set it to ${url.origin}${url.pathname}?… where the source is read, in the environment of the worker`;
  if (text === '')
    throw new BadParams(`data.source_secret_env names ${name}, which is not set: ${expected}`);
  const secret = URL.canParse(text) ? new URL(text) : undefined;
  if (secret?.origin !== url.origin || secret.pathname !== url.pathname)
    throw new BadParams(
      `data.source_secret_env names ${name}, which is not the URL in data.source with a query: ${expected}`,
    );
  secret.hash = '';
  return secret;
}
