import type { Params } from '../contract/params.ts';

/**
 * How a source's text is read, as part of a cache key: what is the default stays out of it, as it was when
 * there was nothing else.
 */
export function readingOf({ delimiter, encoding }: Params['data']): Record<string, unknown> {
  return {
    ...(delimiter === ',' ? {} : { delimiter }),
    ...(encoding === 'utf-8' ? {} : { encoding }),
  };
}
