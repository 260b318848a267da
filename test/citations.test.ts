/** Comments and documents cite files of this repository, papers and public standards: whatever they cite can be looked up. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = 'bench bin configs deploy docs examples install models server src test tools web'.split(' ');
/** Made by the build or by a command, so that they need not exist. */
const made = ['web/dist'];

const files = [
  ...readdirSync(root).filter(name => name.endsWith('.md')),
  ...folders.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`),
  ),
].filter(file => !/(^|\/)(node_modules|dist)\//.test(file));

/** The lines of a file that are prose: comments of code; of a document all but its code blocks. */
function prose(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  if (file.endsWith('.md')) return text.replace(/^```[\s\S]*?^```/gm, '').split('\n');
  return text.split('\n').flatMap(line => /(?:^\s*(?:\/\*\*|\*|\/\/)|\s\/\/\s)(.*)/.exec(line)?.[1] ?? []);
}

/** Places that `line` names: paths in the folders above, files with a folder, documents, and sections of a "spec". */
function citations(line: string): string[] {
  const paths = line.match(/(?<![\w./:@<>*-])(?:[\w.-]+\/)*[\w.-]+(?:\/|\b)/g) ?? [];
  const cited = paths.filter(path => {
    const isInside = folders.some(folder => path.startsWith(`${folder}/`));
    return isInside || /\/.*\.(?:ts|tsx|md)$|\.md$/.test(path);
  });
  return [
    ...cited.map(path => path.replace(/[./]+$/, '')),
    ...(line.match(/\bspec[ /][\w-]+, (?:section )?\d/g) ?? []),
  ];
}

/** Whether the repository has the path, also if its first folders are left out. NAME and FAMILY stand for any name. */
function exists(path: string): boolean {
  if (/NAME|FAMILY/.test(path) || made.includes(path) || existsSync(join(root, path))) return true;
  return files.some(file => file.endsWith(`/${path}`));
}

it('no comment or document cites a file that the repository lacks', () => {
  const missing = files
    .filter(file => /\.(?:ts|tsx|mts|js|css|md)$/.test(file))
    .flatMap(file =>
      prose(file)
        .flatMap(citations)
        .map(path => ({ file, path })),
    )
    .filter(({ path }) => !exists(path));
  expect(missing).toEqual([]);
});
