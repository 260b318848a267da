/** Folders that can be made, and every kind that cannot. */
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFolder, makeFolder } from './folders.ts';
import { packageRoot } from './package-root.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-folders-'));
  await writeFile(at('file'), '');
  await symlink(at('gone'), at('dangling'));
  await symlink(at('circle'), at('circle'));
  await mkdir(at('real folder'));
  await symlink(at('real folder'), at('link'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('makeFolder', () => {
  it('makes what is missing, and leaves what is there', async () => {
    await makeFolder(at('a', 'b c', 'ä猫'));
    await writeFile(at('a', 'b c', 'kept'), '');
    await makeFolder(at('a', 'b c'));
    await makeFolder(at('a', '..', 'a', 'b c', '.'));
    await makeFolder(at('link', 'inside'));
    expect(await readdir(at('a', 'b c'))).toEqual(['kept', 'ä猫']);
    expect(await readdir(at('real folder'))).toEqual(['inside']);
  });

  it('can be asked many times at once', async () => {
    for (let round = 0; round < 20; round++) {
      const inside = (name: string) => at('many', `${round}`, 'at once', name);
      await Promise.all(Array.from({ length: 20 }, (_, i) => makeFolder(inside(`${i % 3}`))));
      expect(await readdir(inside('.'))).toEqual(['0', '1', '2']);
    }
  });
});

describe.each([
  ['makeFolder', makeFolder],
  ['checkFolder', checkFolder],
])('%s', (_, use) => {
  const wrong: [kind: string, path: () => string, reason: RegExp][] = [
    ['below /proc', () => '/proc/duet', /takes no new folders/],
    ['far below /proc', () => '/proc/duet/a/b', /takes no new folders/],
    ['below a process', () => '/proc/self/duet', /takes no new folders|no permission/],
    ['below /sys', () => '/sys/duet', /takes no new folders|read-only|no permission/],
    ['below a device', () => '/dev/null/duet', /"\/dev\/null" is a file/],
    ['a file', () => at('file'), /file" is a file/],
    ['below a file', () => at('file', 'a', 'b'), /file" is a file/],
    ['a dangling link', () => at('dangling'), /dangling" is a link to something that is not there/],
    ['below a dangling link', () => at('dangling', 'a'), /dangling" is a link/],
    ['a circle of links', () => at('circle', 'a'), /in a circle/],
    ['a long name', () => at('n'.repeat(300)), /longer than/],
    ['a long path', () => at(...Array.from({ length: 100 }, () => 'n'.repeat(100))), /longer than/],
    ['a zero byte', () => at('a\0b'), /zero byte/],
  ];
  it.runIf(process.platform === 'linux').each(wrong)('says why it cannot be: %s', async (_kind, path, reason) => {
    await expect(use(path())).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(reason),
    });
  });

  it.skipIf(process.getuid?.() === 0)('says why it cannot be: no permission', async () => {
    await mkdir(at('closed'), { recursive: true });
    await chmod(at('closed'), 0o500);
    await expect(use(at('closed', 'a'))).rejects.toThrow(/no permission/);
  });
});

describe('checkFolder', () => {
  it('leaves nothing behind', async () => {
    const before = await readdir(folder);
    await checkFolder(at('new', 'one'));
    await checkFolder(at('real folder'));
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('the sources', () => {
  it('make folders nowhere else', () => {
    const files = ['src', 'server', 'bin'].flatMap(root =>
      readdirSync(join(packageRoot(), root), { recursive: true, encoding: 'utf8' })
        .filter(name => /\.[mc]?[jt]s$/.test(name) && !name.endsWith('.test.ts'))
        .map(name => join(root, name)),
    );
    const making = files.filter(file => /\bmkdir/.test(readFileSync(join(packageRoot(), file), 'utf8')));
    expect(files.length).toBeGreaterThan(100);
    expect(making).toEqual([join('src', 'core', 'folders.ts')]);
  });
});
