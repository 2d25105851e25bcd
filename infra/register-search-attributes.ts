import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError, type ConnectionLike } from '@temporalio/client';
import proto from '@temporalio/proto';
import { BadParams, SetupError } from '../contract/failures.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeName } from '../contract/search-attributes.ts';

/** The part of a client's or a worker's connection that manages search attributes. */
export interface OperatorConnection extends Pick<ConnectionLike, 'withDeadline'> {
  operatorService: proto.temporal.api.operatorservice.v1.OperatorService;
}

const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];

const { IndexedValueType } = proto.temporal.api.enums.v1;

const TYPES: Record<(typeof SEARCH_ATTRIBUTES)[SearchAttributeName], number> = {
  KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  INT: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  DOUBLE: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
};

const ANSWER_MS = 3_000;
/** A server that has just started on a busy machine may need seconds for its first answers. */
const APPEAR_MS = 15_000;

/** Lists our search attributes that the namespace has with the right type. */
export async function registeredSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
  answerMs = ANSWER_MS,
): Promise<SearchAttributeName[]> {
  const custom = await customAttributes(connection, namespace, answerMs);
  return NAMES.filter((name) => custom[name] === TYPES[SEARCH_ATTRIBUTES[name]]);
}

/**
 * Registers the missing search attributes and waits until they can be used.
 * @returns the names it added
 * @throws BadParams when one exists with another type; SetupError when Temporal refuses.
 */
export async function registerSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
): Promise<SearchAttributeName[]> {
  const custom = await customAttributes(connection, namespace, APPEAR_MS);
  const missing = NAMES.filter((name) => custom[name] === undefined);
  for (const name of NAMES)
    if (!missing.includes(name) && custom[name] !== TYPES[SEARCH_ATTRIBUTES[name]])
      throw new BadParams(
        `search attribute ${name} of namespace ${namespace} is not of type ${SEARCH_ATTRIBUTES[name]}: remove it with "temporal operator search-attribute remove --name ${name}" first`,
      );
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(
    missing.map((name) => [name, TYPES[SEARCH_ATTRIBUTES[name]]]),
  );
  try {
    await connection.withDeadline(Date.now() + APPEAR_MS, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    throw new SetupError(
      `Temporal refuses to register search attributes (${error.details}): ask the administrator of namespace ${namespace} to add ${missing.map((name) => `${name} (${SEARCH_ATTRIBUTES[name]})`).join(', ')}`,
      { cause: error },
    );
  }
  for (const end = Date.now() + APPEAR_MS; Date.now() < end; await sleep(200))
    if (
      (await registeredSearchAttributes(connection, namespace, APPEAR_MS)).length === NAMES.length
    )
      break;
  return missing;
}

/** Registers them on a server without TLS or credentials, such as the local stack's. */
export async function registerAt(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
}

async function customAttributes(
  connection: OperatorConnection,
  namespace: string,
  answerMs: number,
): Promise<Record<string, number>> {
  const { customAttributes: custom } = await connection.withDeadline(Date.now() + answerMs, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return custom ?? {};
}
