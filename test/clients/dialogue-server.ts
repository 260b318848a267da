/** What tests of dialogues through the `openai` package share: a server with a model that answers by a script, and its pictures. */
import type OpenAI from 'openai';
import sharp from 'sharp';
import { type FakeChatModel, type FakeChatOptions, fakeChatModel } from '../../server/testing/fake-chat-model.ts';
import { fakePicture } from '../../server/testing/fake-model.ts';
import { clientOf } from './openai-client.ts';
import { png, serve } from './serve.ts';

export interface DialogueServer {
  readonly model: FakeChatModel;
  readonly client: OpenAI;
  close(): Promise<void>;
}

/** A client that asks once, however the server answers. */
export async function serveDialogues(options: FakeChatOptions = {}): Promise<DialogueServer> {
  const model = fakeChatModel(options);
  const server = await serve(model);
  return { model, client: clientOf(server, { maxRetries: 0 }), close: () => server.close() };
}

/** A server of its own, while `use` lasts. */
export async function withServer(options: FakeChatOptions, use: (own: OpenAI, model: FakeChatModel) => Promise<void>) {
  const { client, model, close } = await serveDialogues(options);
  await use(client, model);
  await close();
}

export const dataUrl = async (colour = 'red') => `data:image/png;base64,${(await png(16, colour)).toString('base64')}`;

/** The colour of a picture in base64 or in a data URL. */
export async function colourOf(picture: string): Promise<number[]> {
  const { data } = await sharp(Buffer.from(picture.split(',').at(-1)!, 'base64'))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [...data.subarray(0, 3)];
}

/** That of the picture which the model draws from a seed. */
export const drawn = (seed: number) => [...fakePicture(seed).data.subarray(0, 3)];

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 5));
}
