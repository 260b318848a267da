/** Folders as people have them: other systems' files, kohya's and Hugging Face's layouts, and what is wrong with them. */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../core/folders.ts';
import { encodeImage, type ImageFormat } from '../../image/index.ts';
import { folderSource } from './folder.ts';
import { findPairs } from './pairs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-pairs-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await makeFolder(dirname(join(folder, path)));
    await writeFile(join(folder, path), content);
  }
}

const picture = (format: ImageFormat = 'png') =>
  encodeImage({ width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(9) }, format);
const png = await picture();

/** Captions by picture, and the warnings. */
async function read(files: Readonly<Record<string, string | Uint8Array>>) {
  await write(files);
  const { pairs, warnings } = await findPairs(folder);
  return { captions: Object.fromEntries(pairs.map(pair => [pair.path, pair.captions])), warnings, pairs };
}

describe('files of captions', () => {
  it.each([
    ['a UTF-8 byte order mark', '\ufeffan apple\r\n'],
    ['UTF-16LE', Buffer.from('\ufeffan apple\r\n', 'utf16le')],
    ['UTF-16BE', Buffer.from('\ufeffan apple\r\n', 'utf16le').swap16()],
    ['line ends of an old Macintosh', 'an apple\r\r'],
  ])('are read with %s', async (_, text) => {
    expect((await read({ 'a.png': png, 'a.txt': text })).captions).toEqual({ 'a.png': ['an apple'] });
  });

  it.each([
    ['a.json', '\ufeff{"caption": "an apple"}'],
    ['a.json', '{"text": "an apple"}'],
    ['a.jsonl', '"an apple"\r\n{"text": "an apple"}\n'],
    ['a.caption', 'an apple'],
    ['A.TXT', 'an apple'],
    ['a.png.txt', 'an apple'],
  ])('are read from %s: %s', async (name, text) => {
    const { captions, warnings } = await read({ 'a.png': png, [name]: text });
    expect([new Set(captions['a.png']), warnings]).toEqual([new Set(['an apple']), []]);
  });

  it('belong to names that differ in case or in how accents are composed', async () => {
    const { captions } = await read({ 'Cat.PNG': png, 'cat.Txt': 'x', 'e\u0301.png': png, '\u00e9.txt': 'y' });
    expect(captions).toEqual({ 'Cat.PNG': ['x'], 'e\u0301.png': ['y'] });
  });

  it.each([
    ['a.txt', Buffer.from('Käse', 'latin1'), /a\.txt is not valid UTF-8/],
    ['a.txt', Buffer.from('an apple', 'utf16le'), /a\.txt holds zero bytes/],
    ['a.json', '{', /a\.json is not a caption file/],
    ['a.jsonl', '"x"\n\n{', /a\.jsonl, line 3, is not a caption file/],
    ['a.txt', ' \r\n', /1 of 1 pictures in .* no caption: a\.png.*empty file is none/],
    ['metadata.jsonl', '{"file_name": "a.png", "text": "x"}\nno', /metadata\.jsonl, line 2, is not/],
    ['metadata.jsonl', '{"file": 1}', /metadata\.jsonl has no captions: each line needs file_name/],
    ['metadata.csv', 'a,b\n1,2\n', /metadata\.csv has no captions/],
    ['metadata.csv', 'file_name,text\na.png,"x\n', /metadata\.csv, line 2: a quotation mark is not closed/],
  ])('that are wrong are named: %s %j', async (name, text, message) => {
    await write({ 'a.png': png, [name]: text });
    await expect(findPairs(folder)).rejects.toThrow(message);
    await expect(findPairs(folder)).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});

describe('what is not used', () => {
  it('is told, counted and named, and nothing of it is silent', async () => {
    const { captions, warnings } = await read({
      'a.png': png,
      'a.txt': 'an apple',
      'a.json': '"other"',
      'typo.txt': 'a cat',
      'b.bmp': 'BM',
      'b.txt': 'b',
      'c.HEIC': 'x',
      'notes.md': '',
      'video.mp4': '',
      ...Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`${i}.psd`, 'x'])),
    });
    expect(captions).toEqual({ 'a.png': ['an apple'] });
    expect(warnings).toEqual([
      'Pictures of types that cannot be read (convert them to PNG or JPEG): 9 (0.psd, 1.psd, 2.psd, 3.psd, 4.psd and 4 more)',
      'Files not read, which are neither pictures nor captions: 2 (notes.md, video.mp4)',
      'Captions not read, since they belong to no picture or to one that has others: 3 (a.json, b.txt, typo.txt)',
    ]);
  });

  it('is not told of what systems leave behind', async () => {
    const { warnings, captions } = await read({
      'a.png': png,
      'a.txt': 'x',
      '._a.png': 'no picture',
      '.DS_Store': '',
      'Thumbs.db': '',
      'desktop.ini': '',
      '__MACOSX/a.png': 'no picture',
      '.cache/b.png': 'no picture',
    });
    expect([Object.keys(captions), warnings]).toEqual([['a.png'], []]);
  });

  it('leads nowhere, or back', async () => {
    await write({ 'a.png': png, 'a.txt': 'x', 'elsewhere/b.png': png, 'elsewhere/b.txt': 'y' });
    await symlink(join(folder, 'gone.png'), join(folder, 'dangling.png'));
    await symlink(folder, join(folder, 'back'));
    await symlink(join(folder, 'a.png'), join(folder, 'linked.png'));
    await symlink(join(folder, 'a.txt'), join(folder, 'linked.txt'));
    await symlink(join(folder, 'elsewhere'), join(folder, 'linked'));
    const { captions, warnings } = await read({});
    expect(captions).toEqual({
      'a.png': ['x'],
      'elsewhere/b.png': ['y'],
      'linked.png': ['x'],
      'linked/b.png': ['y'],
    });
    expect(warnings).toEqual([expect.stringMatching(/^Names that lead nowhere .*: 2 \(back, dangling\.png\)$/)]);
  });

  it('are the samples of a run in the folder, which is where `--data .` puts it', async () => {
    const run = { 'runs/x/config.json': '{}', 'runs/x/metrics.jsonl': '', 'runs/x/samples/step-1.png': png };
    const { captions, warnings } = await read({ 'a.png': png, 'a.txt': 'x', ...run });
    expect(captions).toEqual({ 'a.png': ['x'] });
    expect(warnings).toEqual(['Folders not read, which training runs have written: 1 (runs/x)']);
  });
});

describe('pictures', () => {
  it('are read whatever their names say, if the codec can', async () => {
    const jpeg = await picture('jpeg');
    const { captions, warnings } = await read({
      ...{ 'a.jfif': jpeg, 'b.JPE': jpeg, 'c.bmp': png, 'd.tiff': png, 'e.heic': await picture('webp') },
      ...Object.fromEntries([...'abcde'].map(stem => [`${stem}.txt`, stem])),
    });
    expect([Object.keys(captions), warnings]).toEqual([['a.jfif', 'b.JPE', 'c.bmp', 'd.tiff', 'e.heic'], []]);
    expect((await folderSource(folder, 4)).size).toBe(5);
  });

  it('of one name share a caption, which is reported', async () => {
    const { captions, warnings } = await read({ 'a.png': png, 'a.jpg': await picture('jpeg'), 'a.txt': 'x' });
    expect(captions).toEqual({ 'a.jpg': ['x'], 'a.png': ['x'] });
    expect(warnings).toEqual([expect.stringMatching(/same name .*: 2 \(a\.jpg, a\.png\)/)]);
  });

  it('are missing: the error says what is there instead', async () => {
    await write({ 'sub/b.bmp': 'BM', 'sub/b.txt': 'b' });
    await expect(findPairs(folder)).rejects.toThrow(/holds no pictures .*cannot be read .*sub\/b\.bmp/);
    await expect(findPairs(join(folder, 'sub', 'b.txt'))).rejects.toThrow(
      /Cannot read the folder .*b\.txt: it is a file/,
    );
  });

  it('lie in folders below, with spaces and any script in their names', async () => {
    const { captions } = await read({ 'x/y z/猫 1.png': png, 'x/y z/猫 1.txt': 'cat', 'b.png': png, 'b.txt': 'b' });
    expect(captions).toEqual({ 'b.png': ['b'], 'x/y z/猫 1.png': ['cat'] });
  });
});

describe("kohya's layout", () => {
  it('repeats folders in the relation of their numbers, and names pictures by their folder', async () => {
    const { pairs, warnings } = await read({
      '10_a cat/1.png': png,
      '10_a cat/1.txt': 'my cat',
      '10_a cat/2.png': png,
      '30_dog/3.png': png,
    });
    expect(pairs).toEqual([
      { path: '10_a cat/1.png', captions: ['my cat'], repeats: 1 },
      { path: '10_a cat/2.png', captions: ['a cat'], repeats: 1 },
      { path: '30_dog/3.png', captions: ['dog'], repeats: 3 },
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(/name of the folder is taken: 2 \(10_a cat\/2\.png, 30_dog\/3\.png\)/),
    ]);
    expect(await folderSource(folder, 4)).toMatchObject({ size: 5, captions: ['my cat', 'a cat', 'dog'] });
  });

  it('has captions in one JSON file', async () => {
    const json = '{"1": {"caption": "one"}, "2.png": {"tags": "two, more"}}';
    const { captions, warnings } = await read({ '1.png': png, '2.png': png, 'meta_cap.json': json });
    expect([captions, warnings]).toEqual([{ '1.png': ['one'], '2.png': ['two, more'] }, []]);
  });
});

describe("Hugging Face's layout", () => {
  it.each([
    [
      'metadata.jsonl',
      '{"file_name": "a.png", "text": "one"}\r\n{"file_name": "sub/b.png", "text": ["two", "three"]}\r\n',
    ],
    ['METADATA.CSV', '\ufefffile_name,text\r\na.png,one\r\nsub/b.png,two\r\nsub/b.png,three\r\n'],
    ['metadata.csv', '"file_name";"text"\na.png;one\nsub\\b.png;"two"\nsub/b.png;three'],
    ['metadata.tsv', 'text\tfile_name\none\ta.png\ntwo\tsub/b.png\nthree\tsub/b.png\n'],
    [
      'metadata.json',
      '[{"file_name": "a.png", "text": "one"}, {"file_name": "sub/b.png", "captions": ["two", "three"]}]',
    ],
    ['captions.jsonl', '{"image": "a.png", "caption": "one"}\n{"image": "sub/b.png", "caption": ["two", "three"]}'],
  ])('is read from %s', async (name, table) => {
    const { captions, warnings } = await read({ 'a.png': png, 'sub/b.png': png, [name]: table });
    expect([captions, warnings]).toEqual([{ 'a.png': ['one'], 'sub/b.png': ['two', 'three'] }, []]);
  });

  it('may have a table in every folder, quotation marks and lines in a caption', async () => {
    const { captions } = await read({
      'train/a.png': png,
      'train/metadata.csv': 'file_name,text\na.png,"a ""red"" apple,\non a table"\n',
      'test/a.png': png,
      'test/metadata.jsonl': '{"file_name": "a.png", "text": "x"}',
    });
    expect(captions).toEqual({ 'test/a.png': ['x'], 'train/a.png': ['a "red" apple,\non a table'] });
  });

  it('names pictures that are not there, and reaches nothing outside of the folder', async () => {
    const outside = `../${folder.split('/').at(-1)}-outside.png`;
    const rows = ['a.png', 'gone.png', outside, '/etc/passwd'].map(name =>
      JSON.stringify({ file_name: name, text: 'x' }),
    );
    const { captions, warnings } = await read({ 'a.png': png, 'metadata.jsonl': rows.join('\n') });
    expect(captions).toEqual({ 'a.png': ['x'] });
    expect(warnings).toEqual([
      `Pictures that a table names but that are not there or cannot be read: 3 (gone.png, ${outside}, /etc/passwd)`,
    ]);
  });
});

describe('the folders of the report', () => {
  const cases: [name: string, captions: Record<string, string[]>, warnings: RegExp[]][] = [
    ['utf16', { 'a.png': ['an apple'] }, []],
    ['bom-json', { 'a.png': ['an apple'] }, []],
    ['appledouble', { 'a.png': ['an apple'] }, []],
    ['upper-ext', { 'A.PNG': ['an apple'] }, []],
    ['nested', { '10_cat/a.png': ['a cat'] }, []],
    ['orphan-caption', { 'a.png': ['an apple'] }, [/: 1 \(typo\.txt\)$/]],
    [
      'bmp-heic-ignored',
      { 'a.png': ['an apple'], 'd.jfif': ['x'] },
      [/types that cannot be read .*: 2 \(b\.bmp, c\.heic\)$/, /Captions not read, .*: 2 \(b\.txt, c\.txt\)$/],
    ],
  ];
  it.each(cases)('%s', async (name, captions, warnings) => {
    await cp(new URL(`../../../test/data/train/${name}`, import.meta.url), folder, { recursive: true });
    const found = await read({});
    expect(found.captions).toEqual(captions);
    expect(found.warnings).toEqual(warnings.map(pattern => expect.stringMatching(pattern)));
  });
});
