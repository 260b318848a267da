/** The native API over fetch: jobs, their events, capabilities. Every failure is an ApiError that a person can read. */

import { eventReader } from './sse.ts';
import type { Capabilities, CaptionInspection, PictureRequest, WireEvent, WireJob, WireJobSummary } from './wire.ts';

export class ApiError extends Error {
  /** HTTP status; 0 if the server could not be reached. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/** The body of POST /v1/jobs. */
export type JobRequest = Readonly<Record<string, unknown>> & { readonly mode: string };

/** `base` is the server's origin. A server with keys has the browser send one along. */
export function createApi(base: string) {
  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(new URL(path, base), init).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new ApiError(0, 'unreachable', 'The server does not answer. Is it still running?', { cause });
    });
    if (!response.ok) throw await toApiError(response);
    return response;
  }

  return {
    async capabilities(): Promise<Capabilities> {
      return (await request('v1/capabilities')).json();
    },
    /** Gives the job as it is right after it was accepted. The same key again gives the same job. */
    async submit(body: JobRequest, key: string): Promise<WireJob> {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const accepted = await request('v1/jobs', { method: 'POST', headers, body: JSON.stringify(body) });
      const { id }: { id: string } = await accepted.json();
      return this.job(id);
    },
    async job(id: string): Promise<WireJob> {
      return (await request(`v1/jobs/${encodeURIComponent(id)}`)).json();
    },
    /** The newest first. */
    async jobs(limit: number, before?: string): Promise<{ jobs: WireJobSummary[]; has_more: boolean }> {
      const query = new URLSearchParams({ limit: String(limit), ...(before && { before }) });
      return (await request(`v1/jobs?${query}`)).json();
    },
    async cancel(id: string): Promise<void> {
      // A job that is over already needs no cancelling.
      await request(`v1/jobs/${encodeURIComponent(id)}/cancel`, { method: 'POST' }).catch(ignoreStatus(409, 410));
    },
    async remove(id: string): Promise<void> {
      await request(`v1/jobs/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch(ignoreStatus(404, 410));
    },
    /** Gives the job as it is then. */
    async markSample(id: string, index: number, favourite: boolean): Promise<WireJob> {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ favourite });
      return (await request(samplePath(id, index), { method: 'PATCH', headers, body })).json();
    },
    async removePicture(id: string, index: number): Promise<void> {
      await request(samplePath(id, index), { method: 'DELETE' }).catch(ignoreStatus(404, 410));
    },
    /** What the model will make of a caption's words. */
    async inspectCaption(text: string, signal: AbortSignal): Promise<CaptionInspection> {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ text });
      return (await request('v1/captions/inspect', { method: 'POST', headers, body, signal })).json();
    },
    /** The request that made a picture, as far as its file tells. */
    async requestOf(picture: Blob): Promise<PictureRequest> {
      const body = new FormData();
      body.append('image', picture);
      return (await request('v1/pictures/request', { method: 'POST', body })).json();
    },
    /** A picture's bytes. */
    async file(url: string): Promise<Blob> {
      return (await request(url)).blob();
    },
    /** The same; undefined if the server does not keep it any more. */
    async fileOrGone(url: string): Promise<Blob | undefined> {
      return this.file(url).catch(ignoreStatus(404, 410));
    },
    /** The events from the first on, as they come, until the stream ends. */
    async *events(id: string, signal: AbortSignal): AsyncGenerator<WireEvent> {
      const response = await request(`v1/jobs/${encodeURIComponent(id)}/events`, { signal });
      const read = eventReader();
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        for (const { event, data } of read(part.value)) {
          yield { ...(JSON.parse(data) as object), type: event } as WireEvent;
        }
      }
    },
  };
}

function samplePath(id: string, index: number): string {
  return `v1/jobs/${encodeURIComponent(id)}/samples/${index}`;
}

function ignoreStatus(...statuses: number[]): (error: unknown) => undefined {
  return error => {
    if (error instanceof ApiError && statuses.includes(error.status)) return undefined;
    throw error;
  };
}

async function toApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = (body as { error?: { message?: unknown; code?: unknown } } | undefined)?.error;
  const message = typeof error?.message === 'string' ? error.message : `The server answered ${response.status}`;
  return new ApiError(response.status, typeof error?.code === 'string' ? error.code : 'error', message);
}
