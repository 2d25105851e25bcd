import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dvcConfig, dvcLock, dvcYaml, toYaml } from '../../../store/dvc/writers.ts';
import { FILE, KEY, type DvcPipeline, type DvcStage } from '../../../store/dvc/pipeline.ts';

const raw = { path: 'data/ü ${x}.csv', md5: 'a'.repeat(32), size: 3 };
const merged = { path: 'data/merged', md5: `${'b'.repeat(32)}.dir`, size: 5, nfiles: 2 };
const batch = (file: string, key: string): DvcStage => ({
  name: 'cut',
  command: `run cut ${key}`,
  deps: [raw],
  params: { size: 50 },
  outs: [{ path: `data/${file}`, md5: 'c'.repeat(32), size: 2 }],
});

const pipeline: DvcPipeline = {
  settings: '--pipeline iris',
  stages: [
    { name: 'get', command: 'run get', deps: [], params: { 'b.a': null, a: '1' }, outs: [raw] },
    {
      name: 'cut',
      form: batch(FILE, KEY),
      stages: ['1', '2'].map((key) => ({
        key,
        file: `${key}.csv`,
        stage: batch(`${key}.csv`, key),
      })),
    },
    {
      name: 'merge',
      command: 'run merge ${all}',
      deps: [...batch('2.csv', '2').outs, ...batch('1.csv', '1').outs],
      params: {},
      outs: [merged],
    },
  ],
  metrics: ['metrics.json'],
  plots: [{ path: 'p.json', title: 'P', template: 'scatter', x: 'a', y: 'b' }],
};

describe('dvc.yaml', () => {
  it('declares a loop once, and escapes what DVC would take for a variable', () => {
    expect(dvcYaml(pipeline, 'version 2')).toBe(`# version 2
vars:
- settings: --pipeline iris
stages:
  get:
    cmd: run get \${settings}
    params:
    - a
    - b.a
    outs:
    - data/ü \\\${x}.csv
  cut:
    foreach:
      '1': 1.csv
      '2': 2.csv
    do:
      cmd: run cut \${key} \${settings}
      deps:
      - data/ü \\\${x}.csv
      params:
      - size
      outs:
      - data/\${item}
  merge:
    cmd: run merge \\\${all} \${settings}
    deps:
    - data/1.csv
    - data/2.csv
    outs:
    - data/merged
metrics:
- metrics.json
plots:
- p.json:
    title: P
    template: scatter
    x: a
    'y': b
`);
  });
});

it('what a pipeline does not have is in neither file of DVC', () => {
  const get = { name: 'get', command: 'run get', deps: [], params: {}, outs: [raw] };
  const bare = { settings: '-p iris', stages: [get], metrics: [], plots: [] };
  expect(parse(dvcYaml(bare, ''))).toEqual({
    vars: [{ settings: '-p iris' }],
    stages: { get: { cmd: 'run get ${settings}', outs: ['data/ü \\${x}.csv'] } },
  });
  expect(parse(dvcLock(bare))).toEqual({
    schema: '2.0',
    stages: { get: { cmd: 'run get -p iris', outs: [{ ...raw, hash: 'md5' }] } },
  });
});

describe('dvc.lock', () => {
  it('has keys and items in DVC’s order, a loop’s stages one by one', () => {
    const lock = dvcLock(pipeline);
    expect(lock).toContain(`schema: '2.0'
stages:
  get:
    cmd: run get --pipeline iris
    params:
      params.yaml:
        a: '1'
        b.a: null
    outs:
    - path: data/ü \${x}.csv
      hash: md5
      md5: ${'a'.repeat(32)}
      size: 3
  cut@1:
    cmd: run cut 1 --pipeline iris
`);
    expect(lock).toContain(`  merge:
    cmd: run merge \${all} --pipeline iris
    deps:
    - path: data/1.csv
      hash: md5
      md5: ${'c'.repeat(32)}
      size: 2
    - path: data/2.csv
      hash: md5
      md5: ${'c'.repeat(32)}
      size: 2
    outs:
    - path: data/merged
      hash: md5
      md5: ${'b'.repeat(32)}.dir
      size: 5
      nfiles: 2
`);
  });
});

describe('YAML for DVC', () => {
  it('is read alike by YAML 1.1 and 1.2', () => {
    const words = [
      'no',
      'On',
      'null',
      '~',
      '',
      '1e3',
      '0o14',
      '012',
      '2024-01-01',
      '1:30',
      '=',
      '#',
    ];
    const numbers = [0.1, 1e-7, 1e21, -3, 0];
    const text = toYaml({ words, numbers });
    for (const version of ['1.1', '1.2'] as const)
      expect(parse(text, { version })).toEqual({ words, numbers });
  });

  it('writes a value again wherever it occurs, and folds nothing', () => {
    const long = 'word '.repeat(60).trim();
    expect(toYaml([[long], [long]])).toBe(`- - ${long}\n- - ${long}\n`);
    const same = { a: 1 };
    expect(toYaml({ x: same, y: same })).not.toContain('&');
  });
});

describe('.dvc/config', () => {
  it('names the bucket and the server, and that DVC shall check what it pulls', () => {
    const bucket = { bucket: 'models', endpoint: 'http://localhost:9000', region: 'eu-west-1' };
    expect(dvcConfig(bucket, { noScm: true })).toBe(`[core]
    remote = store
    no_scm = true
['remote "store"']
    url = s3://models
    endpointurl = http://localhost:9000
    region = eu-west-1
    verify = true
`);
  });

  it('leaves the server out for AWS, and no_scm in a git repository', () => {
    const config = dvcConfig(
      { bucket: 'models', endpoint: undefined, region: 'r' },
      { noScm: false },
    );
    expect(config).toBe(`[core]
    remote = store
['remote "store"']
    url = s3://models
    region = r
    verify = true
`);
  });
});
