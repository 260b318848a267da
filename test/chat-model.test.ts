/**
 * The embedded chat model end to end, with floors that the model of its CARD.md clears and that guessing among 128 objects does
 * not. `duet eval --model emoji-chat` measures it properly.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../src/cli/program.ts';
import { seededRandom } from '../src/core/random.ts';
import { type PictureJudge, pictureJudge } from '../src/emoji/judge/judge.ts';
import { sceneFeatures } from '../src/emoji/judge/scene-features.ts';
import { describe as captionOf } from '../src/emoji/scenes/captions.ts';
import { render } from '../src/emoji/scenes/render.ts';
import { sampleScenes } from '../src/emoji/scenes/sample-scene.ts';
import { several } from '../src/emoji/scenes/scene.ts';
import { loadSprites, type SpriteSheet } from '../src/emoji/scenes/sprites.ts';
import { type ChatModel, Duet, type InterleavedMessage } from '../src/index.ts';

const seed = 1;
const side = 64;

let model: ChatModel;
let sprites: SpriteSheet;
let judge: PictureJudge;

beforeAll(async () => {
  model = await Duet.loadChat();
  sprites = await loadSprites(side);
  judge = pictureJudge(sceneFeatures(sprites), seed, 200);
});
afterAll(() => model?.release());

const user = (content: InterleavedMessage['content']): InterleavedMessage => ({ role: 'user', content });
const ask = (...messages: readonly InterleavedMessage[]) => model.chat(messages, { seed, temperature: 0 });

it('draws what it is asked for', async () => {
  const scenes = sampleScenes(8, seededRandom(seed));
  let right = 0;
  for (const [index, scene] of scenes.entries()) {
    const { images } = await ask(user(`Please draw ${captionOf(scene)}.`));
    if (images[0] && judge.judge(images[0].data, scene, index).rightObject) right++;
  }
  expect(right).toBeGreaterThanOrEqual(5);
});

it('changes what it drew', async () => {
  const asked = user('Can you show me two foxes?');
  const drawn = await ask(asked);
  const changed = await ask(asked, { role: 'assistant', content: drawn.content }, user('Make the background green.'));
  expect(judge.judge(changed.images[0]!.data, several('fox', 2, 'green'), 0).right).toBe(true);
});

it('describes what it is shown, and answers about it', async () => {
  const image = { width: side, height: side, data: render(several('star', 3, 'blue'), sprites) };
  const about = async (text: string) => {
    const { text: answer, images } = await ask(
      user([
        { type: 'image', image },
        { type: 'text', text },
      ]),
    );
    expect(images).toEqual([]);
    return answer;
  };
  expect(await about('What is in this picture?')).toMatch(/stars/);
  expect(await about('What color is the background?')).toMatch(/blue/);
});

it('tells a story with a picture for each sentence', async () => {
  const { content } = await ask(user('Tell me a story about a panda.'));
  expect(content.filter(({ type }) => type === 'image').length).toBeGreaterThanOrEqual(3);
  expect(content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/panda/) });
});

it('says what it cannot draw', async () => {
  const { images, text } = await ask(user('Draw a zebra.'));
  expect(images).toEqual([]);
  expect(text).toMatch(/cannot draw/);
});

it('converses in the demonstration', async () => {
  const out = await mkdtemp(join(tmpdir(), 'duet-demo-'));
  let text = '';
  const stdout = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  const { signal } = new AbortController();
  const terminal = { stdin: Readable.from(['']), stdout, stderr: process.stderr, signal };
  expect(await runCli(['demo', '-o', out], terminal, {})).toBe(0);
  expect(text).toMatch(/> Can you show me two foxes\?\n.*\[picture\]/);
  const page = await readFile(join(out, 'index.html'), 'utf8');
  expect(page.match(/<div class="assistant">/g)).toHaveLength(6);
  await rm(out, { recursive: true });
});
