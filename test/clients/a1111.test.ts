/** The requests that SillyTavern and Open WebUI send to stable-diffusion-webui, in their order, with a stand-in model. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeModel;
let server: RunningServer;

beforeAll(async () => {
  model = fakeModel();
  server = await serve(model);
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of another program's shape, looked at field by field
  readonly body: any;
}

/** With the header that these clients send when no password is set. */
async function call(method: string, path: string, body?: unknown, { origin } = server): Promise<Answer> {
  const response = await fetch(`${origin}/sdapi/v1${path}`, {
    method,
    headers: { authorization: 'Basic Og==', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
const get = (path: string) => call('GET', path);
const post = (path: string, body?: unknown, at = server) => call('POST', path, body, at);
const idle = { progress: 0, state: { job_count: 0 } };
const metadata = (base64: string) => sharp(Buffer.from(base64, 'base64')).metadata();

describe('SillyTavern', () => {
  it('pings, fills its menus, switches the model and waits until that is done', async () => {
    expect((await get('/options')).body).toMatchObject({ sd_model_checkpoint: 'fake', samples_format: 'png' });
    expect((await get('/upscalers')).body[0]).toMatchObject({ name: 'None' });
    expect((await get('/latent-upscale-modes')).body[0]).toMatchObject({ name: 'None' });
    expect((await get('/sd-vae')).body).toEqual([]);
    expect((await get('/sd-modules')).body).toEqual([]);
    expect((await get('/samplers')).body.map(({ name }: { name: string }) => name)).toContain('DDIM');
    expect((await get('/schedulers')).body[0]).toMatchObject({ name: 'automatic', label: 'Automatic' });
    const [{ title }] = (await get('/sd-models')).body;
    expect(await post('/options', { sd_model_checkpoint: title })).toEqual({ status: 200, body: null });
    expect((await get('/progress')).body).toMatchObject(idle);
  });

  it('draws', async () => {
    const { status, body } = await post('/txt2img', {
      prompt: 'an apple',
      negative_prompt: 'lowres',
      sampler_name: 'DDIM',
      scheduler: 'automatic',
      steps: 3,
      cfg_scale: 7,
      width: 512,
      height: 384,
      restore_faces: false,
      enable_hr: false,
      hr_upscaler: 'Latent',
      denoising_strength: 0.7,
      hr_scale: 2,
      seed: 42,
      override_settings: { CLIP_stop_at_last_layers: 1 },
      override_settings_restore_afterwards: true,
      clip_skip: 1,
      save_images: true,
      send_images: true,
      do_not_save_grid: false,
      do_not_save_samples: false,
    });
    expect(status).toBe(200);
    expect(await metadata(body.images[0])).toMatchObject({ format: 'png', width: 512, height: 384 });
    expect(body.parameters).toMatchObject({ prompt: 'an apple', hr_upscaler: 'Latent' });
    const info = JSON.parse(body.info);
    expect(info).toMatchObject({ seed: 42, all_seeds: [42], steps: 3, sampler_name: 'DDIM', width: 512, height: 384 });
    expect(info.infotexts[0]).toMatch(/^an apple\nNegative prompt: lowres\nSteps: 3, Sampler: DDIM.*Size: 512x384/);
    const call = model.calls.at(-1);
    expect(call).toMatchObject({ mode: 't2i', options: { solver: 'ddim', guidance: 7, negativePrompt: 'lowres' } });
  });

  it('interrupts', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow);
    const drawing = call('POST', '/txt2img', { prompt: 'an apple', seed: 1, steps: 20 }, busy);
    while (slow.calls.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    slow.advance(12);
    let progress: Answer['body'];
    while (!progress?.current_image) progress = (await call('GET', '/progress', undefined, busy)).body;
    expect(progress).toMatchObject({ state: { job: 'txt2img', job_count: 1, sampling_steps: 20 } });
    expect(progress.progress).toBeGreaterThan(0.4);
    expect(await call('POST', '/interrupt', undefined, busy)).toEqual({ status: 200, body: {} });
    const { status, body } = await drawing;
    expect(status).toBe(200);
    expect(await metadata(body.images[0])).toMatchObject({ width: 512 });
    expect(slow.calls[0]?.options.signal?.aborted).toBe(true);
    expect((await call('GET', '/progress?skip_current_image=true', undefined, busy)).body).toMatchObject(idle);
    await busy.close();
  });
});

describe('Open WebUI', () => {
  it('sets the model by posting all options back, and draws with its few fields', async () => {
    const { body: options } = await get('/options');
    expect((await post('/options', { ...options, sd_model_checkpoint: 'fake' })).status).toBe(200);
    const { body: models } = await get('/sd-models');
    expect(models[0]).toMatchObject({ title: 'fake', model_name: 'fake' });
    const data = { prompt: 'an apple', batch_size: 2, width: 512, height: 512, steps: 2, sampler_name: 'Euler a' };
    const { body } = await post('/txt2img', { ...data, negative_prompt: null, scheduler: 'Karras', cfg_scale: 5 });
    expect(body.images).toHaveLength(2);
    const { seed, all_seeds, infotexts, sampler_name } = JSON.parse(body.info);
    expect(all_seeds).toEqual([seed, seed + 1]);
    expect(infotexts).toHaveLength(2);
    expect(sampler_name).toBe('Euler a');
  });
});

describe('samplers', () => {
  const draw = async (fields: object) => {
    const { status, body } = await post('/txt2img', { prompt: 'an apple', width: 64, height: 64, ...fields });
    expect(status).toBe(200);
    return { ...body, info: JSON.parse(body.info) };
  };

  it('that are listed are accepted, under every name, and are what runs', async () => {
    for (const { name, aliases } of (await get('/samplers')).body) {
      for (const sampler_name of [name, ...aliases]) {
        const { info, parameters } = await draw({ sampler_name });
        expect([info.sampler_name, parameters.sampler_name]).toEqual([name, name]);
        expect(info.infotexts[0]).toContain(`Sampler: ${name},`);
        expect(info.extra_generation_params).not.toHaveProperty('Requested sampler');
      }
    }
    for (const { name, label } of (await get('/schedulers')).body) {
      for (const scheduler of [name, label]) {
        const { info } = await draw({ scheduler });
        expect(info.extra_generation_params).not.toHaveProperty('Requested schedule type');
      }
    }
  });

  it.each([
    ['DPM++ 3M SDE', 'DPM++ 2M SDE'],
    ['LMS', 'DPM++ 2M'],
    ['Restart', 'Heun'],
    ['DPM++ 2S a', 'DPM++ 3S'],
  ])('that there are not, as %s, are replaced, which the answer tells', async (sampler_name, used) => {
    const { info, parameters } = await draw({ sampler_name, scheduler: 'Simple' });
    expect(info).toMatchObject({
      sampler_name: used,
      extra_generation_params: { 'Requested sampler': sampler_name, 'Requested schedule type': 'Simple' },
    });
    expect(parameters).toMatchObject({ sampler_name: used, scheduler: 'Automatic' });
    expect(info.infotexts[0]).toContain(`Sampler: ${used},`);
    expect((await draw({ sampler_index: sampler_name })).info.sampler_name).toBe(used);
  });

  it.each([
    [{ sampler_name: 'DPM++ 2M', scheduler: 'Karras' }, 'karras', 'Karras'],
    [{ sampler_name: 'DPM++ 2M Karras' }, 'karras', 'Karras'],
    [{ sampler_name: 'Euler a Karras', scheduler: 'exponential' }, 'exponential', 'Exponential'],
    [{ sampler_name: 'UniPC', scheduler: 'Beta' }, 'beta', 'Beta'],
    [{ scheduler: 'Karras' }, 'karras', 'Karras'],
  ])('have the schedule type that is asked for: %j', async (fields, noiseSchedule, label) => {
    const { info, parameters } = await draw(fields);
    expect(model.calls.at(-1)?.options).toMatchObject({ noiseSchedule });
    expect(parameters.scheduler).toBe(label);
    expect(info.extra_generation_params).not.toHaveProperty('Requested schedule type');
    expect(info.extra_generation_params).not.toHaveProperty('Requested sampler');
  });

  it('keep their own where they have no such schedule type, which the answer tells', async () => {
    const { info, parameters } = await draw({ sampler_name: 'DDIM', scheduler: 'Karras' });
    expect(info.extra_generation_params).toMatchObject({ 'Requested schedule type': 'Karras' });
    expect([info.sampler_name, parameters.scheduler]).toEqual(['DDIM', 'Automatic']);
    expect(model.calls.at(-1)?.options).not.toHaveProperty('noiseSchedule');
  });
});

describe('webuiapi', () => {
  it('varies and inpaints', async () => {
    const image = (await png(16, 'red')).toString('base64');
    const plain = { init_images: [`data:image/png;base64,${image}`], prompt: '', seed: 3, width: 64, height: 64 };
    const varied = await post('/img2img', { ...plain, denoising_strength: 0.5 });
    expect(varied.body.images).toHaveLength(1);
    expect(varied.body.parameters.init_images).toBeUndefined();
    expect(model.calls.at(-1)?.mode).toBe('i2t2i');
    expect(model.calls.at(-1)?.options).toMatchObject({ strength: 0.5 });
    await post('/img2img', { ...plain, prompt: 'an apple' });
    expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { strength: 0.75, caption: 'an apple' } });
    expect((await post('/img2img', { ...plain, denoising_strength: 1.5 })).status).toBe(422);
    const two = await post('/img2img', { ...plain, init_images: [image, image] });
    expect(two).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'init_images'] }] } });
    expect(two.body.detail[0].msg).toContain('takes one picture, got 2');
    const mask = (await png(16, 'white')).toString('base64');
    const painted = await post('/img2img', { ...plain, mask, prompt: 'an apple', inpainting_mask_invert: 1 });
    expect(painted.status).toBe(200);
    const inputs = model.calls.at(-1)?.inputs[0] as { mask: Uint8Array; caption: string };
    expect(inputs.caption).toBe('an apple');
    const { channels, hasAlpha } = await sharp(inputs.mask).metadata();
    expect([channels, hasAlpha]).toEqual([1, false]);
    expect((await sharp(inputs.mask).stats()).channels[0]?.max).toBe(0);
  });

  it('captions pictures and reads their parameters', async () => {
    const { body } = await post('/txt2img', { prompt: 'an apple', seed: 5, width: 64, height: 64 });
    const info = (await post('/png-info', { image: body.images[0] })).body;
    expect(info.info).toMatch(/^an apple\nSteps: /);
    expect(info.parameters).toMatchObject({ Prompt: 'an apple', Seed: '5', 'Size-1': '64' });
    const { caption } = (await post('/interrogate', { image: body.images[0], model: 'clip' })).body;
    expect(caption).toMatch(fakeCaption(0).slice(0, 10));
    const empty = await post('/png-info', { image: (await png(16, 'red')).toString('base64') });
    expect(empty.body).toEqual({ info: '', items: {}, parameters: {} });
  });

  it('finds how familiar a picture looks, where the model measures that', async () => {
    const far = await serve(fakeModel({ seen: { familiarity: 4.5, isFamiliar: false } }));
    const image = (await png(16, 'red')).toString('base64');
    const { body: read } = await post('/interrogate', { image }, far);
    expect(read).toMatchObject({ caption: expect.any(String), familiarity: 4.5, is_familiar: false });
    const { body: varied } = await post('/img2img', { init_images: [image], prompt: '' }, far);
    const verdict = { 'Familiarity (dB)': 4.5, 'Is familiar': false };
    expect(JSON.parse(varied.info).extra_generation_params).toMatchObject(verdict);
    await far.close();
    const { body: unmeasured } = await post('/img2img', { init_images: [image], prompt: '' });
    expect(unmeasured.info).not.toContain('amiliar');
  });

  it('enlarges pictures, one and several', async () => {
    const image = (await png(16, 'red')).toString('base64');
    const single = (fields: object) => post('/extra-single-image', { image, resize_mode: 0, ...fields });
    for (const [fields, width, height] of [
      [{ upscaling_resize: 4, upscaler_1: 'Lanczos' }, 64, 64],
      [{ upscaling_resize: '1.5', upscaler_1: 'nearest' }, 24, 24],
      [{ upscaling_resize: 0.01, upscaler_1: 'Lanczos' }, 1, 1],
      [{ upscaler_1: 'None' }, 16, 16],
      [{}, 16, 16],
      [{ resize_mode: 1, upscaling_resize_w: 64, upscaling_resize_h: 32, upscaler_1: 'Lanczos' }, 64, 32],
      [
        { resize_mode: 1, upscaling_resize_w: 64, upscaling_resize_h: 32, upscaler_1: 'Lanczos', upscaling_crop: 0 },
        64,
        64,
      ],
    ] as const) {
      const { status, body } = await single({ gfpgan_visibility: 0, upscaler_2: 'None', ...fields });
      expect([status, body.html_info]).toEqual([200, '']);
      expect(await metadata(body.image)).toMatchObject({ format: 'png', width, height });
    }
    const imageList = [
      { data: image, name: 'a.png' },
      { data: `data:image/png;base64,${image}`, name: 'b.png' },
    ];
    const { body } = await post('/extra-batch-images', { imageList, upscaler_1: 'Lanczos' });
    expect(body.images).toHaveLength(2);
    for (const enlarged of body.images) expect(await metadata(enlarged)).toMatchObject({ width: 32 });
    const unknown = await single({ upscaler_1: 'R-ESRGAN 4x+' });
    expect(unknown).toMatchObject({ status: 404, body: { detail: expect.stringContaining('None, Lanczos, Nearest') } });
    for (const [fields, field] of [
      [{ gfpgan_visibility: 1 }, 'gfpgan_visibility'],
      [
        { resize_mode: 1, upscaling_resize_w: 16_000, upscaling_resize_h: 16_000, upscaler_1: 'Lanczos' },
        'upscaling_resize_w',
      ],
      [{ image: 'AAAA' }, 'image'],
      [{ upscaling_resize: 17 }, 'upscaling_resize'],
    ] as const) {
      expect(await single(fields)).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', field] }] } });
    }
    const broken = await post('/extra-batch-images', { imageList: [...imageList, { data: 'AAAA', name: 'c' }] });
    expect(broken).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'imageList', 2, 'data'] }] } });
    expect((await single({ image: '' })).status).toBe(404);
  });

  it('draws larger with enable_hr', async () => {
    const base = { prompt: 'an apple', width: 64, height: 32, enable_hr: true };
    for (const [fields, width, height] of [
      [{}, 128, 64],
      [{ hr_scale: 1.5, hr_upscaler: 'Latent' }, 96, 48],
      [{ hr_resize_x: 256 }, 256, 128],
      [{ hr_resize_y: 64 }, 128, 64],
      [{ hr_resize_x: 64, hr_resize_y: 64 }, 64, 64],
      [{ enable_hr: false, hr_scale: 3 }, 64, 32],
    ] as const) {
      const { body } = await post('/txt2img', { ...base, ...fields });
      expect(await metadata(body.images[0])).toMatchObject({ width, height });
      expect(JSON.parse(body.info)).toMatchObject({ width: 64, height: 32 });
    }
    const large = await post('/txt2img', { ...base, width: 1024, hr_scale: 4 });
    expect(large).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'hr_scale'] }] } });
  });

  it('asks for everything else', async () => {
    for (const path of ['/unload-checkpoint', '/reload-checkpoint']) {
      expect(await post(path)).toEqual({ status: 200, body: {} });
      expect((await post('/txt2img', { prompt: 'an apple' })).status).toBe(200);
    }
    expect(await get('/extensions')).toEqual({ status: 200, body: [] });
    const script = await post('/txt2img', { prompt: 'an apple', script_name: 'X/Y/Z plot' });
    expect(script).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'script_name'] }] } });
    for (const path of ['/cmd-flags', '/loras', '/memory', '/scripts', '/embeddings', '/hypernetworks', '/samplers']) {
      expect((await get(path)).status).toBe(200);
    }
    expect(await post('/refresh-checkpoints')).toEqual({ status: 200, body: null });
    expect(await post('/skip')).toEqual({ status: 200, body: {} });
  });
});

describe('errors', () => {
  it('come in the shapes of A1111 and FastAPI', async () => {
    const invalid = await post('/txt2img', { prompt: 'an apple', steps: 'many' });
    expect(invalid.status).toBe(422);
    expect(invalid.body.detail[0]).toMatchObject({ loc: ['body', 'steps'], msg: expect.stringContaining('many') });
    const sampler = await post('/txt2img', { prompt: 'an apple', sampler_name: 'magic' });
    expect(sampler).toMatchObject({ status: 404, body: { error: 'HTTPException' } });
    expect(sampler.body.detail).toMatch(/^Sampler not found: magic\. .*DPM\+\+ 2M.*Euler a/);
    const scheduler = await post('/txt2img', { prompt: 'an apple', scheduler: 'magic' });
    expect(scheduler).toMatchObject({
      status: 404,
      body: { detail: expect.stringMatching(/^Scheduler not found.*Karras/) },
    });
    expect((await post('/options', { sd_model_checkpoint: 'other' })).status).toBe(404);
    expect(await get('/nothing')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
    const broken = await post('/img2img', { init_images: ['AAAA'] });
    expect(broken).toMatchObject({ status: 422, body: { detail: [{ msg: expect.any(String) }] } });
    expect((await post('/img2img', { prompt: 'an apple' })).status).toBe(404);
  });

  it('asks for a password where keys are set', async () => {
    const locked = await serve(fakeModel(), { apiKeys: ['secret'] });
    const refused = await fetch(`${locked.origin}/sdapi/v1/options`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic/)]);
    const authorization = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    const allowed = await fetch(`${locked.origin}/sdapi/v1/options`, { headers: { authorization } });
    expect(allowed.status).toBe(200);
    await locked.close();
  });
});
