import { describe, expect, it } from 'vitest';
import { directoryOf, makeLookCommand, makeRunUrl, trackingUri } from '../../tracking/place.ts';

const ROOT = '/home/some one/project';

describe('mlflow.tracking_uri', () => {
  it.each([
    ['http://localhost:5000', 'http://localhost:5000'],
    ['https://me:secret@mlflow.example/x', 'https://me:secret@mlflow.example/x'],
    ['./mlruns', 'file:///home/some%20one/project/mlruns'],
    ['mlruns/', 'file:///home/some%20one/project/mlruns'],
    ['file:mlruns', 'file:///home/some%20one/project/mlruns'],
    ['../b#1 ü', 'file:///home/some%20one/b%231%20%C3%BC'],
    ['/srv/mlruns', 'file:///srv/mlruns'],
    ['file:///srv/ml%20runs/', 'file:///srv/ml%20runs'],
  ])('%s is %s', (written, uri) => {
    expect(trackingUri(written, ROOT)).toBe(uri);
  });

  it.each([
    ['sqlite:///mlflow.db', 'starts with "sqlite:"'],
    ['postgresql://me:secret@db/mlflow', 'starts with "postgresql:"'],
    ['me:secret@mlflow.example:5000', 'is not a URL'],
    ['http://me:secret@mlflow example', 'is not a URL'],
    ['databricks', 'starts with "databricks"'],
    ['databricks-uc://profile', 'starts with "databricks-uc"'],
    ['s3://bucket/x', 'starts with "s3:"'],
    ['file://elsewhere/mlruns', 'not a directory of this machine'],
  ])('%s is refused in a sentence that holds no secret', (written, words) => {
    expect(() => trackingUri(written, ROOT)).toThrow(words);
    expect(() => trackingUri(written, ROOT)).toThrow('write it like');
    expect(() => trackingUri(written, ROOT)).not.toThrow(/secret|me:/);
  });

  it('of a directory comes back as a path', () => {
    expect(directoryOf(`${trackingUri('./b#1 ü', ROOT)}#host-1`)).toBe(`${ROOT}/b#1 ü`);
  });
});

describe('where to look', () => {
  it('is a page of a server, and a folder and a command of a directory', () => {
    expect(makeRunUrl('http://h:5000', '1', 'r')).toBe(
      'http://h:5000/#/experiments/1/runs/r?workflowType=machine_learning',
    );
    expect(makeLookCommand('http://h:5000', '')).toBeNull();
    expect(makeRunUrl('file:///m', '1', 'r')).toBe('file:///m/1/r');
    expect(makeLookCommand('file:///it%27s', "/it's")).toBe(
      `MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri '/it'\\''s'`,
    );
  });
});
