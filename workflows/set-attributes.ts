import { upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../contract/search-attributes.ts';

/**
 * Sets only registered search attributes, because another one would fail the workflow task at every attempt.
 * @param registered the search attributes that the namespace has
 */
export function setSearchAttributes(
  registered: readonly string[],
  values: Partial<Record<SearchAttributeName, string | number>>,
): void {
  const pairs = Object.entries(values).flatMap(([name, value]) => {
    const key = name as SearchAttributeName;
    return registered.includes(key)
      ? [{ key: defineSearchAttributeKey(key, SEARCH_ATTRIBUTES[key]), value }]
      : [];
  });
  if (pairs.length > 0) upsertSearchAttributes(pairs as SearchAttributeUpdatePair[]);
}
