/** GET /models and /models/OWNER/NAME: models without an owner in their name are those of `duet`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { packageVersion } from '../../../src/core/package-root.ts';
import { predictionInput } from '../../schemas/replicate.ts';
import type { ModelInfo, ModelList } from '../../types.ts';
import { originOf } from '../compat/origin.ts';
import { WireFault } from '../compat/wire-fault.ts';

export interface ModelParams {
  readonly owner: string;
  readonly name: string;
}

const tags = ['Replicate'];
const defaultOwner = 'duet';

export async function modelRoutes(app: FastifyInstance): Promise<void> {
  app.get('/models', { schema: { tags, summary: 'The models served' } }, async request => ({
    previous: null,
    next: null,
    results: app.models.list().map(model => describe(request, model)),
  }));
  app.get<{ Params: ModelParams }>(
    '/models/:owner/:name',
    { schema: { tags, summary: 'One model, and the inputs of its predictions' } },
    async request => describe(request, modelAt(request)),
  );
  app.get<{ Params: ModelParams }>(
    '/models/:owner/:name/versions',
    { schema: { tags, summary: 'The one version of a model' } },
    async request => ({ previous: null, next: null, results: [versionOf(modelAt(request))] }),
  );
  app.get<{ Params: ModelParams & { version: string } }>(
    '/models/:owner/:name/versions/:version',
    { schema: { tags, summary: 'The version of a model' } },
    async request => {
      const model = modelAt(request);
      const { version } = request.params;
      if (version === model.id) return versionOf(model);
      throw new WireFault(
        'not_found',
        null,
        `${fullName(model.id)} has the version ${model.id} alone, not ${shown(version)}`,
      );
    },
  );
}

/** The model that the address names. @throws WireFault where there is none */
export function modelAt({ server, params }: FastifyRequest<{ Params: ModelParams }>): ModelInfo {
  const reference = `${params.owner}/${params.name}`;
  const model = findModel(server.models, reference);
  if (model) return model;
  throw new WireFault('model_not_found', null, `There is no model ${shown(reference)}. ${served(server.models)}`);
}

/** The model of a version: each has one, of its own name; the default model if none is named. */
export function modelOfVersion({ server: { models } }: FastifyRequest, version: string | undefined): ModelInfo {
  const model = version === undefined || version === '' ? models.list()[0] : findModel(models, version);
  if (model) return model;
  const message = `The version ${shown(version ?? '')} does not exist. ${served(models)}`;
  throw new WireFault('invalid_value', 'version', message);
}

/** `owner/name` of a model. */
export function fullName(id: string): string {
  return id.includes('/') ? id : `${defaultOwner}/${id}`;
}

function findModel(models: ModelList, reference: string): ModelInfo | undefined {
  const version = reference.slice(reference.indexOf(':') + 1);
  const isOwn = reference.startsWith(`${defaultOwner}/`);
  return (
    models.get(reference) ??
    (isOwn ? models.get(reference.slice(defaultOwner.length + 1)) : undefined) ??
    models.get(version)
  );
}

function shown(reference: string): string {
  return JSON.stringify(reference.slice(0, 100));
}

function served(models: ModelList): string {
  return `Served: ${models
    .list()
    .map(({ id }) => fullName(id))
    .join(', ')}`;
}

function describe(request: FastifyRequest, info: ModelInfo): object {
  const { id, examples, calls } = info;
  const model = fullName(id);
  const slash = model.indexOf('/');
  return {
    url: `${originOf(request)}/replicate/v1/models/${model}`,
    owner: model.slice(0, slash),
    name: model.slice(slash + 1),
    description: `Modes: ${Object.keys(calls).join(', ')}. It knows captions such as ${JSON.stringify(examples[0] ?? '')}`,
    visibility: 'public',
    is_official: false,
    github_url: null,
    paper_url: null,
    license_url: null,
    run_count: 0,
    cover_image_url: null,
    default_example: null,
    latest_version: versionOf(info),
  };
}

function versionOf(model: ModelInfo): object {
  const { id, created } = model;
  const info = { title: fullName(id), version: id };
  const schemas = { Input: predictionInput([model]) };
  return {
    id,
    created_at: new Date(created * 1000).toISOString(),
    cog_version: `duet ${packageVersion()}`,
    openapi_schema: { openapi: '3.1.0', info, paths: {}, components: { schemas } },
  };
}
