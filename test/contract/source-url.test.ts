import { describe, expect, it } from 'vitest';
import { pinNightly } from '../../activities/pin_nightly.ts';
import { checkSource, checkUrl, readSecretUrl } from '../../contract/source-url.ts';
import { paramsOf } from '../../pipeline/models/params.ts';

const SECRET = 'hunter2-Zq9xVw';

const NAMES = (
  'pass jwt code sas subscription-key private_key credential token X-Amz-Signature X-Goog-Credential sig se key ' +
  'api_key apikey auth $$app_token h s hash session ticket password pwd user login'
).split(' ');

describe('a query of a source', () => {
  it.each(NAMES)('is refused with the parameter %s, and its value is not repeated', (name) => {
    const url = `https://example.org/wine.csv?format=csv&${encodeURIComponent(name)}=${SECRET}`;
    const check = (): unknown => checkUrl(url);
    expect(check).toThrow('that may be a secret');
    expect(check).toThrow('name it in data.source_secret_env');
    expect(check).not.toThrow(SECRET);
  });

  it.each([
    `?${SECRET}`,
    `?${SECRET}=`,
    `?v=1&${SECRET}`,
    `?${'x'.repeat(60)}${SECRET}=1`,
    `?id=eyJhbGciOiJIUzI1NiJ9.${SECRET}`,
    `?id=${'0'.repeat(101)}${SECRET}`,
    `#access=${SECRET}`,
  ])('is refused by its shape, and not repeated: %s', (query) => {
    const check = (): unknown => checkUrl(`https://example.org/wine.csv${query}`);
    expect(check).toThrow(/may be a secret|is never sent to a server/);
    expect(check).not.toThrow(SECRET);
  });

  it.each(['/a;jsessionid=', '/a%3Bsid%3D', '/;k='])(
    'is refused where it is a parameter in the path: %s',
    (path) => {
      const check = (): unknown => checkUrl(`https://example.org${path}${SECRET}/wine.csv`);
      expect(check).toThrow(/may be a secret/);
      expect(check).not.toThrow(SECRET);
    },
  );

  it.each([
    '',
    '?',
    '?raw=true',
    '?download',
    '?dl=1',
    '?format=csv&sheet=0',
    '?accessType=DOWNLOAD',
    '?id=6f1c54fe-6b9b-4f0b-8c1d-4ac5a7a1f3d0&export=download',
    '?$limit=5000&$where=year%3E2020',
  ])('that says which data is meant is kept: %s', (query) => {
    expect(checkUrl(`https://example.org/wine.csv${query}`).pathname).toBe('/wine.csv');
  });

  it.each([
    `https://someone:${SECRET}@example.org/x.csv`,
    `https://${SECRET}@example.org/x.csv`,
    `http://someone:${SECRET}@exa mple/x.csv?a=b`,
    `http://some?one:${SECRET}@exa mple/x.csv`,
    `s3://key:${SECRET}@bucket/x.csv`,
    `https://example.org/x.csv?jwt=${SECRET}`,
  ])('stops a run, a nightly and a schedule before anything keeps it: %s', async (source) => {
    const asked = { data: { source } };
    const config = {
      pipeline: 'p',
      params: asked,
      ownParams: asked,
      unlisted: undefined,
      nightly: { onQuarantine: 'warn' },
    } as const;
    const store = { ledgers: { read: async () => undefined } };
    for (const make of [
      async () => paramsOf({}, asked),
      async () => paramsOf(asked, {}),
      () => pinNightly({ readConfig: () => config, store }, {}),
    ]) {
      await expect(make()).rejects.toThrow(expect.objectContaining({ name: 'BadParams' }));
      await expect(make()).rejects.not.toThrow(SECRET);
    }
  });
});

describe('a query that is a secret', () => {
  const source = 'https://example.org/wine.csv';
  const data = { source, source_secret_env: 'RETRAIN_SOURCE_URL_WINE' };
  const read = (text: string | undefined): URL =>
    readSecretUrl(data, { RETRAIN_SOURCE_URL_WINE: text });

  it('comes from the environment, with the same URL before it', () => {
    expect(read(`${source}?jwt=${SECRET}#x`).href).toBe(`${source}?jwt=${SECRET}`);
    expect(() => checkSource(data)).not.toThrow();
    expect(paramsOf({}, { data }).data).toMatchObject(data);
  });

  it.each([
    `https://example.com/wine.csv?jwt=${SECRET}`,
    `http://example.org/wine.csv?jwt=${SECRET}`,
    `https://example.org:8443/wine.csv?jwt=${SECRET}`,
    `https://example.org/other.csv?jwt=${SECRET}`,
    `https://user:${SECRET}@evil.example/wine.csv`,
    `jwt=${SECRET}`,
    SECRET,
  ])('is sent to no other place than its owner wrote: %s', (text) => {
    const reading = (): unknown => read(text);
    expect(reading).toThrow('which is not the URL in data.source with a query: set it to');
    expect(reading).not.toThrow(SECRET);
  });

  it('must be set', () => {
    for (const text of [undefined, ''])
      expect(() => read(text)).toThrow(
        `data.source_secret_env names RETRAIN_SOURCE_URL_WINE, which is not set: set it to ${source}?… where the source is read`,
      );
  });

  it.each(['AWS_SECRET_ACCESS_KEY', 'PATH', 'retrain_source_url', `jwt=${SECRET}`])(
    'must have a permitted name, and no error repeats another one: %s',
    (name) => {
      const make = (): unknown => paramsOf({}, { data: { source, source_secret_env: name } });
      expect(make).toThrow('data.source_secret_env is not a name: expected the name of an');
      expect(make).not.toThrow(name);
    },
  );

  it.each(['iris', './wine.csv', 's3://bucket/wine.csv', `${source}?v=1`])(
    'belongs to a URL without a query, not to %s',
    (other) => {
      expect(() => checkSource({ ...data, source: other })).toThrow(
        'and data.source is not an http(s) URL without a query',
      );
    },
  );
});
