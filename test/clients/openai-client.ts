/** The `openai` package, unmodified, against the server with a stand-in model. */
import OpenAI from 'openai';
import sharp from 'sharp';
import { type FakeModel, fakeModel } from '../../server/testing/fake-model.ts';
import { type RunningServer, serve } from './serve.ts';

export interface OpenAiServer {
  readonly model: FakeModel;
  readonly server: RunningServer;
  readonly client: OpenAI;
}

export async function serveOpenAi(): Promise<OpenAiServer> {
  const model = fakeModel();
  const server = await serve(model);
  return { model, server, client: clientOf(server) };
}

export function clientOf({ origin }: RunningServer, options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'any', ...options });
}

/** Format and size of a picture in base64. */
export async function metadata(base64: string | undefined) {
  return sharp(Buffer.from(base64 ?? '', 'base64')).metadata();
}
