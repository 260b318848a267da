/** A whole folder with tiny weights: dialogues with pictures, answers with none, one, several, and what is refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTokens, tinyMiniGpt5, writeMiniGpt5Folder } from '../../../../test/support/tiny-minigpt5.ts';
import { tinyModel } from '../../../../test/support/tiny-model.ts';
import { tinyModelWithUnet } from '../../../../test/support/tiny-unet.ts';
import type { HostTensor } from '../../../core/host-tensor.ts';
import { Duet } from '../../../index.ts';
import { miniGpt5Vocabulary } from '../../../vokens/index.ts';
import { describeModel, type Model, writeModelFolder } from '../../index.ts';
import type {
  ChatModel,
  InterleavedAnswer,
  InterleavedChatEvent,
  InterleavedChatOptions,
  InterleavedMessage,
} from '../index.ts';
import type { MiniGpt5Config } from './config.ts';
import { weightFiles } from './model-folder.ts';

let scratch: string;
let config: MiniGpt5Config;
let model: ChatModel;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'duet-minigpt5-'));
  config = await tinyMiniGpt5();
  model = await Duet.loadChat(await folderOf('tiny', config), { threads: 2 });
});
afterAll(async () => {
  await model.release();
  await rm(scratch, { recursive: true });
});

const folderOf = (name: string, own: MiniGpt5Config) => writeMiniGpt5Folder(join(scratch, name), own);

const picture = { width: 12, height: 9, data: Uint8Array.from({ length: 12 * 9 * 3 }, (_, i) => (i * 11) % 256) };
const asked: InterleavedMessage[] = [{ role: 'user', content: 'two birds' }];
const quick: InterleavedChatOptions = { seed: 3, maxTokens: 12 };

async function collect(options: InterleavedChatOptions, messages = asked) {
  const events: InterleavedChatEvent[] = [];
  for await (const event of model.streamChat(messages, options)) events.push(event);
  const last = events.at(-1)!;
  if (last.type !== 'done') throw new Error('There was no answer');
  return { events, answer: last.answer };
}

const bytesOf = ({ images }: InterleavedAnswer) => images.map(({ data }) => [...data]);

describe('an answer', () => {
  it('draws where it must, writes on behind the picture, and is the same again', async () => {
    const { events, answer } = await collect({ ...quick, draw: 'always', maxImages: 1, previewEvery: 1 });
    const kinds = events.map(({ type }) => type);
    expect(kinds[0]).toBe('image-started');
    expect(kinds).toEqual(expect.arrayContaining(['text-delta', 'image-progress', 'image-preview', 'image', 'done']));
    expect(answer.content.map(({ type }) => type)).toEqual(['image', 'text']);
    expect(answer.images[0]).toMatchObject({ width: 64, height: 64 });
    const told = events.flatMap(event => (event.type === 'text-delta' ? [event.text] : []));
    expect(told.join('')).toBe(answer.text);
    const again = await model.chat(asked, { ...quick, draw: 'always', maxImages: 1 });
    expect({ ...again, content: [], images: bytesOf(again) }).toEqual({
      ...answer,
      content: [],
      images: bytesOf(answer),
    });
  });

  it('has no pictures if none are wanted', async () => {
    const { events, answer } = await collect({ ...quick, draw: 'never' });
    expect(answer.content.map(({ type }) => type)).toEqual(['text']);
    expect(events.every(({ type }) => type === 'text-delta' || type === 'done')).toBe(true);
    expect(answer).toMatchObject({ seed: 3, finishReason: 'length', answerTokens: 12 });
  });

  it('of several at the same time is what it is alone', async () => {
    const each = [1, 2, 3].map(seed => ({ seed, maxTokens: 6, draw: 'always', maxImages: 2 }) as const);
    const together = await Promise.all(each.map(options => model.chat(asked, options)));
    for (const [index, options] of each.entries()) {
      const alone = await model.chat(asked, options);
      expect(alone.text).toBe(together[index]!.text);
      expect(bytesOf(alone)).toEqual(bytesOf(together[index]!));
    }
  });

  it('depends on the pictures that were given, wherever they stand', async () => {
    const withPicture = (data: Uint8Array): InterleavedMessage[] => [
      {
        role: 'user',
        content: [
          { type: 'image', image: { ...picture, data } },
          { type: 'text', text: ' what is it' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'a bird ' },
          { type: 'image', image: picture },
        ],
      },
      { role: 'user', content: 'and now' },
    ];
    expect(model.chatText(withPicture(picture.data))).toBe(
      'be brief you: (<picture>) what is it me: a bird (<picture>) you: and now me:',
    );
    const options = { ...quick, draw: 'always', maxImages: 1 } as const;
    const [one, other] = [
      await model.chat(withPicture(picture.data), options),
      await model.chat(withPicture(picture.data.map(v => 255 - v)), options),
    ];
    // 4 vectors in place of each placeholder.
    expect(one.promptTokens).toBe(other.promptTokens);
    expect(bytesOf(one)).not.toEqual(bytesOf(other));
  });

  it('reads its own pictures as its vokens where the folder says so', async () => {
    const prompt = { ...config.prompt, drawn: 'vokens' } as const;
    const other = await Duet.loadChat(await folderOf('drawn', { ...config, prompt }), { threads: 2 });
    const dialogue = (own: Uint8Array): InterleavedMessage[] => [
      { role: 'user', content: [{ type: 'image', image: picture }] },
      { role: 'assistant', content: [{ type: 'image', image: own }] },
      { role: 'user', content: 'and now' },
    ];
    // What came of the vokens is not looked at, so that it need be no picture.
    const messages = dialogue(Uint8Array.of(1, 2, 3));
    expect(other.chatText(messages)).toBe(
      'be brief you: (<picture>) me: <draw0><draw1><draw2><draw3> you: and now me:',
    );
    const { text } = await other.chat(messages, { ...quick, draw: 'never' });
    expect(text).not.toBe('');
    await expect(model.chat(messages, quick)).rejects.toThrow(/picture/i);
    await other.release();
  });

  it('reads as many exchanges as the folder says', async () => {
    const prompt = { ...config.prompt, exchanges: 2 };
    const folder = await folderOf('exchanges', { ...config, prompt });
    expect((await describeModel(folder)).description.dialogue).toMatchObject({ exchanges: 2 });
    const other = await Duet.loadChat(folder, { threads: 2 });
    const messages: InterleavedMessage[] = [
      { role: 'system', content: 'sing ' },
      {
        role: 'user',
        content: [
          { type: 'image', image: picture },
          { type: 'text', text: ' one' },
        ],
      },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'three' },
      { role: 'assistant', content: 'four' },
      { role: 'user', content: 'five' },
    ];
    expect(other.chatText(messages)).toBe('sing you: three me: four you: five me:');
    expect((await other.chat(messages, { ...quick, draw: 'never' })).text).not.toBe('');
    expect(other.chatText(messages.slice(-1))).toBe('be brief you: five me:');
    await other.release();
  });

  it('ends when the loop is left, and when it is aborted while a picture is drawn', async () => {
    const controller = new AbortController();
    const drawn = (async () => {
      for await (const { type } of model.streamChat(asked, {
        ...quick,
        draw: 'always',
        steps: 40,
        signal: controller.signal,
      })) {
        if (type === 'image-started') controller.abort(new Error('enough'));
      }
    })();
    await expect(drawn).rejects.toThrow('enough');
    for await (const { type } of model.streamChat(asked, { ...quick, draw: 'always', steps: 40 })) {
      if (type === 'image-started') break;
    }
    expect((await model.chat(asked, { ...quick, draw: 'never' })).text).not.toBe('');
  });
});

describe("a model folder of Duet's", () => {
  const withDiffusion = async (
    name: string,
    own: Model<HostTensor>,
    mapper: Partial<MiniGpt5Config['mapper']> = {},
  ) => {
    const folder = join(scratch, `${name}-diffusion`);
    await writeModelFolder(folder, own);
    const { clip, textTokens } = own.config;
    const fitting = { ...config.mapper, width: clip.text.width, queries: textTokens, ...mapper };
    return folderOf(name, { ...config, diffusion: folder, mapper: fitting });
  };

  it.each([
    ['U-Net', tinyModelWithUnet],
    ['U-ViT', tinyModel],
  ])('draws by its %s, the same again', async (network, own) => {
    const folder = await withDiffusion(`own-${network}`, own());
    const { description } = await describeModel(folder);
    expect(description).toMatchObject({ imageSize: 16, dialogue: { draws: true } });
    const chat = await Duet.loadChat(folder, { threads: 2 });
    expect(chat.imageSize).toBe(16);
    const options = { ...quick, draw: 'always', maxImages: 1, steps: 3, guidance: 9 } as const;
    const kinds: string[] = [];
    const answer = await chat.chat(asked, { ...options, previewEvery: 1, onEvent: ({ type }) => kinds.push(type) });
    expect(kinds).toEqual(
      expect.arrayContaining(['image-started', 'image-progress', 'image-preview', 'image', 'done']),
    );
    expect(answer.images[0]).toMatchObject({ width: 16, height: 16 });
    expect(bytesOf(await chat.chat(asked, options))).toEqual(bytesOf(answer));
    await chat.release();
  });

  it('draws something else of other words', async () => {
    const chat = await Duet.loadChat(await withDiffusion('words', tinyModelWithUnet()), { threads: 2 });
    const options = { ...quick, draw: 'always', maxImages: 1, steps: 3, guidance: 9 } as const;
    const other = await chat.chat([{ role: 'user', content: 'a red boat' }], options);
    expect(bytesOf(other)).not.toEqual(bytesOf(await chat.chat(asked, options)));
    await chat.release();
  });

  it('does its own calls too', async () => {
    const folder = await withDiffusion('calls', tinyModelWithUnet());
    const own = await Duet.load(join(scratch, 'calls-diffusion'), { threads: 2 });
    const chat = await Duet.loadChat(folder, { threads: 2 });
    const { description } = await describeModel(folder);
    expect(Object.keys(description.calls)).toEqual(expect.arrayContaining(['chat', 't2i', 'i2t', 'joint']));
    expect(description.options).toMatchObject({ maxTokens: {}, n: {}, network: {} });
    expect(Object.keys(description.defaults)).toEqual(Object.keys(description.calls));
    const call = ['t2i', { prompt: 'two birds' }, { n: 2, seed: 5, steps: 2 }] as const;
    const [drawn, expected] = [await chat.run(...call), await own.run(...call)];
    expect(drawn.settings).toEqual(expected.settings);
    expect(drawn.samples.map(({ image }) => [...image!.data])).toEqual(
      expected.samples.map(({ image }) => [...image!.data]),
    );
    expect(chat.inspectCaption('two birds')).toEqual(own.inspectCaption('two birds'));
    await expect(chat.run('x2y', {})).rejects.toThrow(
      `mode must be one of ${Object.keys(description.calls).join(', ')}, got "x2y"`,
    );
    expect(
      (await chat.run('chat', { messages: asked }, { seed: 3, maxTokens: 4, draw: 'never' })).answer,
    ).toBeDefined();
    await Promise.all([chat.release(), own.release()]);
  });

  it('must fit the mapper', async () => {
    const folder = await withDiffusion('few', tinyModelWithUnet(), { queries: 7 });
    const message = /mapper makes 7 vectors of width 8, tiny draws from 8 of width 8/;
    await expect(Duet.loadChat(folder)).rejects.toThrow(message);
  });
});

describe('what cannot be done', () => {
  it('is refused with what is allowed', async () => {
    const refused = (messages: InterleavedMessage[], options: object, message: RegExp) =>
      expect(model.chat(messages, { ...quick, ...options })).rejects.toThrow(message);
    await refused([], {}, /last message must be the user's/);
    await refused([{ role: 'assistant', content: 'a' }], {}, /last message must be the user's/);
    await refused([{ role: 'tool' as 'user', content: 'a' }], {}, /role is one of system, user, assistant, got "tool"/);
    await refused([{ role: 'user', content: 'see <picture>' }], {}, /<picture> stands for a picture/);
    await refused([{ role: 'user', content: '<draw0>' }], {}, /<draw0> stands for a picture/);
    await refused(asked, { draw: 'sometimes' }, /draw is one of auto, always, never/);
    await refused(asked, { draw: 'always', maxImages: 0 }, /maxImages must be a whole number from 1 on, got 0/);
    await refused(asked, { steps: 0, draw: 'always' }, /steps/);
    await refused(asked, { width: 65, draw: 'always' }, /width/);
    await refused(asked, { seed: 2 ** 32 - 1 }, /seed must leave room for 8 pictures/);
    await refused([{ role: 'user', content: 'the red boat '.repeat(60) }], {}, /positions; the model reads/);
    await refused([{ role: 'user', content: [{ type: 'image', image: new Uint8Array(9) }] }], {}, /picture/i);
    await expect(Duet.load(join(scratch, 'tiny'))).rejects.toThrow(/Duet.loadChat loads it/);
  });

  it('folders that do not fit together are refused by name', async () => {
    const refused = async (name: string, change: Partial<MiniGpt5Config>, message: RegExp) =>
      expect(Duet.loadChat(await folderOf(name, { ...config, ...change }))).rejects.toThrow(message);
    const size = config.vocabulary.vokens[0]!.id;
    await refused('ids', { vocabulary: newTokens(size + 1) }, /neither among them nor right behind them/);
    const prompt = { ...config.prompt, image: '<ImageHere>' };
    await refused('other', { vocabulary: miniGpt5Vocabulary(size), prompt }, /reads \[IMG0\] as 420 and not as 428/);
    await refused(
      'queries',
      { mapper: { ...config.mapper, queries: 76 } },
      /mapper makes 76 vectors of width 16, .* draws from 77 of width 16/,
    );
    await refused('width', { mapper: { ...config.mapper, inputWidth: 4 } }, /mapper.inputWidth is 4/);
    await refused('form', { prompt: { ...config.prompt, image: 'here' } }, /prompt.image must contain <picture> once/);
    await refused('nowhere', { languageModel: './nowhere' }, /Cannot read/);
    await refused('field', { drawing: { steps: 0 } }, /drawing.steps/);
    const missing = await folderOf('missing', config);
    await rm(join(missing, weightFiles.mapper));
    await expect(Duet.loadChat(missing)).rejects.toMatchObject({ code: expect.stringMatching(/weights|model/) });
  });
});
