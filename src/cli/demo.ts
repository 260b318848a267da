/** `duet demo`: draws, describes, imagines and converses a little, and shows it on one page. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { checkFolder, makeFolder } from '../core/folders.ts';
import { Picture, pictureGrid } from '../image/index.ts';
import { describeModel, embeddedChatModel, type PairSample, type Pipeline } from '../pipelines/index.ts';
import { callOption } from './call-options.ts';
import { type DemoMessage, demoDialogue, dialogueTurns } from './demo-dialogue.ts';
import { type DemoSection, demoPage } from './demo-page.ts';
import { inlinePicture } from './inline-picture.ts';
import { deviceOption, modelOption, precisionOption, threadsOption } from './options.ts';
import { createProgressBar } from './progress-bar.ts';
import { type CommandContext, type ModelFlags, withModel } from './sampling-command.ts';
import { type Terminal, visible, write } from './terminal.ts';

/** The fifth and the seventh are combinations that the model `emoji` was never trained on. */
const captions = [
  'an apple',
  'a cat to the left of a dog',
  'three stars on a blue background',
  'a rocket above a house',
  'a butterfly to the right of a rose',
  'two red hearts',
  'a dog under a tree',
  'a grinning face',
];

/** Which of the pictures drawn the dialogue is about. */
const shownInDialogue = 1;

interface DemoFlags extends ModelFlags {
  readonly out: string;
  readonly seed?: number;
}

export function registerDemo(program: Command, context: CommandContext): void {
  program
    .command('demo')
    .description('draw, describe, imagine and converse a little, and show it on one page')
    .addOption(modelOption().default(embeddedChatModel))
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(callOption('t2i', 'seed'))
    .option('-o, --out <folder>', 'where pictures and the page go', 'out/demo')
    .action(async (flags: DemoFlags) => {
      await checkFolder(flags.out);
      const { description } = await describeModel(flags.model);
      const converses = description.dialogue?.draws ?? false;
      await withModel(context, flags, duet => runDemo(context, { ...flags, converses }, duet));
    });
}

async function runDemo(
  { terminal }: CommandContext,
  { out, seed = 1, converses }: DemoFlags & { readonly converses: boolean },
  duet: Pipeline,
): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const started = performance.now();
  const say = (text: string) => write(stdout, `${text}\n`);
  const bar = createProgressBar(stderr, 'demo');
  const total = 2 * captions.length + 1 + (converses ? dialogueTurns : 0);
  let done = 0;
  const step = <T>(result: T): T => {
    bar.update(++done, total);
    return result;
  };
  await makeFolder(out);
  try {
    const drawn: PairSample[] = [];
    for (const caption of captions) {
      const { samples } = step(await duet.run('t2i', { prompt: caption }, { seed, signal }));
      drawn.push({ seed, image: samples[0]!.image!, caption });
    }
    const described: PairSample[] = [];
    for (const { image } of drawn) {
      const { samples } = step(await duet.run('i2t', { image }, { seed, signal }));
      described.push({ seed, caption: samples[0]!.caption!, image });
    }
    const { samples } = step(await duet.run('joint', {}, { n: 8, seed, signal }));
    const imagined = samples.map(({ seed, image, caption }) => ({ seed, image: image!, caption: caption! })); // pairs
    const dialogue: DemoMessage[] = [];
    if (converses) {
      for await (const message of demoDialogue(duet, drawn[shownInDialogue]!.image, { seed, signal })) {
        dialogue.push(message.role === 'user' ? message : step(message));
      }
    }
    bar.clear();
    await showDialogue(terminal, dialogue);
    const sections: DemoSection[] = [
      { title: 'Text to image', file: 'text-to-image', samples: drawn },
      {
        title: 'Image to text: the pictures above, described without their captions',
        file: 'image-to-text',
        samples: described,
      },
      { title: 'Joint: picture and caption imagined together', file: 'joint', samples: imagined },
    ];
    for (const { title, file, samples } of sections) {
      await say(`\n${pc.bold(title)}`);
      for (const { caption } of samples) await say(`  ${caption}`);
      const sheet = new Picture(
        pictureGrid(
          samples.map(({ image }) => image),
          { columns: 4 },
        ),
      ).enlarge(2);
      await writeFile(join(out, `${file}.png`), await sheet.toPng());
      await say(pc.dim(`  ${join(out, `${file}.png`)}`));
    }
    const page = join(out, 'index.html');
    await writeFile(page, await demoPage(duet.name, sections, dialogue));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    await say(
      `\n${captions.length} captions drawn, ${described.length} pictures described, ${imagined.length} pairs imagined${converses ? `, ${dialogueTurns} messages answered` : ''} in ${seconds} s.`,
    );
    await say(`All on one page: ${pc.cyan(page)}`);
  } finally {
    bar.clear();
  }
}

/** Pictures as such where the terminal can show them, else by a word. */
async function showDialogue({ stdout }: Terminal, dialogue: readonly DemoMessage[]): Promise<void> {
  if (dialogue.length > 0) await write(stdout, `\n${pc.bold('A dialogue')}\n`);
  for (const { role, content } of dialogue) {
    const parts = await Promise.all(
      content.map(async part => {
        if (part.type === 'text') return visible(part.text.trim());
        return inlinePicture(await part.image.toPng(), stdout) || pc.dim('[picture]');
      }),
    );
    const text = parts.filter(part => part !== '').join(' ');
    await write(stdout, `  ${role === 'user' ? pc.cyan(`> ${text}`) : text}\n`);
  }
}
