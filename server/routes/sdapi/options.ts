/** GET and POST /options: the few of A1111's settings that mean something here, kept as long as the server runs. */
import type { FastifyInstance } from 'fastify';
import type { ImageFormat } from '../../../src/image/index.ts';
import { OptionsBody } from '../../schemas/sdapi.ts';
import type { ModelList } from '../../types.ts';
import { WireFault } from '../compat/wire-fault.ts';

export interface SdapiOptions {
  /** Id of the model that pictures are drawn with. */
  checkpoint(): string;
  format(): ImageFormat;
  /** @throws WireFault where there is no such model. */
  set(options: OptionsBody): void;
}

const formats: Readonly<Record<string, ImageFormat>> = { png: 'png', jpg: 'jpeg', jpeg: 'jpeg', webp: 'webp' };
const tags = ['A1111'];

export function createOptions(models: ModelList): SdapiOptions {
  let checkpoint: string | undefined;
  let format: ImageFormat = 'png';
  return {
    checkpoint: () => checkpoint ?? models.list()[0]?.id ?? '',
    format: () => format,
    set({ sd_model_checkpoint: name, samples_format: wanted }) {
      if (name && !models.get(name)) {
        throw new WireFault('model_not_found', 'sd_model_checkpoint', `Checkpoint not found: ${name.slice(0, 60)}`);
      }
      checkpoint = name || checkpoint;
      format = formats[wanted?.toLowerCase() ?? ''] ?? format;
    },
  };
}

export async function optionRoutes(app: FastifyInstance): Promise<void> {
  app.get('/options', { schema: { tags, summary: 'Settings' } }, async () => ({
    sd_model_checkpoint: app.sdapiOptions.checkpoint(),
    sd_checkpoint_hash: '',
    sd_vae: 'Automatic',
    samples_format: app.sdapiOptions.format(),
    show_progress_every_n_steps: 10,
    CLIP_stop_at_last_layers: 1,
  }));
  app.post<{ Body: OptionsBody }>(
    '/options',
    { schema: { tags, summary: 'Changes settings', body: OptionsBody } },
    async (request, reply) => {
      app.sdapiOptions.set(request.body);
      return reply.type('application/json').send('null');
    },
  );
}
