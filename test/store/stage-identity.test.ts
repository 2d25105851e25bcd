import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseParams } from '../../contract/params.ts';
import { STAGES, STEPS, type StageShape, type StepName } from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { refOf } from '../../store/hash.ts';
import { identityOf } from '../../store/stage-identity.ts';
import { buildRecord } from '../client/records.ts';

const params = parseParams(paramsSchema, buildRecord(1).record.params, 'the record');
const given = { batch: 3, params, inputs: { batch: refOf('b', Buffer.from('rows')) } };

/** The installed version of a package. */
function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

describe('the identity of a stage', () => {
  const shapes = Object.entries<StageShape>({ ...STAGES, ...STEPS }) as [StepName, StageShape][];
  // These two read a detail of their request.
  const plain = shapes.filter(([step]) => !['prepare_batch', 'compare'].includes(step));

  it.each(plain)('%s is what the stage graph lists, and nothing else', (step, shape) => {
    expect(identityOf(step, { ...given, detail: { champion: null } })).toEqual({
      stage: step,
      batch: shape.perBatch ? 3 : null,
      code: shape.code,
      params: shape.params(params, { champion: null } as never),
      libraries: Object.fromEntries(shape.libraries.map((name) => [name, versionOf(name)])),
      inputs: given.inputs,
    });
  });

  it('has the libraries of the model where the stage trains it, and only there', () => {
    const ofCart = { ...given, params: { ...params, model: { ...params.model, type: 'ml_cart' } } };
    const version = versionOf('ml-cart');
    expect(identityOf('train', given).libraries).toEqual({});
    expect(identityOf('train', ofCart).libraries).toEqual({ 'ml-cart': version });
    expect(identityOf('merge_data', ofCart).libraries).toEqual({});
  });

  it('has what its request says in detail', () => {
    const of = (otherType: string) =>
      identityOf('compare', { ...given, detail: { otherType } }).params['other'];
    expect(of('ml_cart')).toEqual({ model: { type: 'ml_cart' } });
    expect(of('baseline')).toEqual({ model: { type: 'baseline' } });
  });
});
