import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../contract/failures.ts';
import { chooseS3 } from '../../infra/programs.ts';
import { tempFolder } from './temp-folder.ts';

function stackWith(...kinds: string[]): string {
  const dir = tempFolder('stack');
  for (const kind of kinds) mkdirSync(join(dir, kind));
  return dir;
}

let bin: string;
let withMinio: { PATH: string };
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'retrain bin '));
  writeFileSync(join(bin, 'minio'), '', { mode: 0o755 });
  withMinio = { PATH: bin };
});
afterEach(() => rmSync(bin, { recursive: true, force: true }));
const without = { PATH: '/nowhere' };

describe('the choice of the S3 server', () => {
  it('is MinIO if it is on PATH, else SeaweedFS', () => {
    expect(chooseS3(stackWith(), undefined, withMinio)).toEqual({
      kind: 'minio',
      minio: join(bin, 'minio'),
    });
    expect(chooseS3(stackWith(), undefined, without)).toEqual({ kind: 'seaweedfs' });
    expect(chooseS3(stackWith(), 'seaweedfs', withMinio)).toEqual({ kind: 'seaweedfs' });
  });

  it('stays the server that keeps the objects, even when another is installed later', () => {
    expect(chooseS3(stackWith('seaweedfs'), undefined, withMinio)).toEqual({ kind: 'seaweedfs' });
    expect(() => chooseS3(stackWith('minio'), undefined, without)).toThrow(SetupError);
    expect(() => chooseS3(stackWith('seaweedfs'), 'minio', withMinio)).toThrow(
      /are kept by seaweedfs, not minio/,
    );
  });

  it('gives an error with the command that builds MinIO when it is asked for and missing', () => {
    expect(() => chooseS3(stackWith(), 'minio', without)).toThrow(
      /no "minio" is on PATH: build one with "go install/,
    );
  });
});
