import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeResult } from '../../client/write-whole.ts';
import { SetupError } from '../../contract/failures.ts';
import { needsProc } from '../support/needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'write-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the file of --out', () => {
  it('is written with its folders', async () => {
    const path = join(folder, 'a', 'b', 'c.onnx');
    await writeResult(path, Buffer.from('text'));
    expect(readFileSync(path, 'utf8')).toBe('text');
  });

  it('is refused where a file has the place of its folder', async () => {
    writeFileSync(join(folder, 'file'), '');
    const refused = writeResult(join(folder, 'file', 'b', 'c.onnx'), Buffer.from(''));
    await expect(refused).rejects.toThrow(SetupError);
    await expect(refused).rejects.toThrow(/cannot be written \(EEXIST/);
  });

  it('is refused where no folder can be made', needsProc, async () => {
    const refused = writeResult('/proc/no/x.onnx', Buffer.from(''));
    await expect(refused).rejects.toThrow(
      /^\/proc\/no\/x\.onnx cannot be written \(ENOENT.*choose another file with --out/,
    );
  });
});
