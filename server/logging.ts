/** What is logged and what never is: no keys, no query strings, no pictures. */
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { ServerConfig } from './config.ts';
import { pathOf } from './plugins/request-path.ts';

/** Nothing that a person writes is this long without a space; encoded pictures and keys are. */
const encoded = /[A-Za-z0-9+/_=-]{120,}/g;
const longestText = 4000;

export type LogStream = { write(line: string): void };

/** Pino's options for Fastify. On a terminal only warnings are worth the space. */
export function loggerOptions(
  level: ServerConfig['logLevel'],
  stream: LogStream & { readonly isTTY?: boolean },
): Exclude<FastifyServerOptions['logger'], boolean | undefined> {
  return {
    level: level === 'auto' ? (stream.isTTY ? 'warn' : 'info') : level,
    stream,
    redact: {
      paths: ['authorization', '*.authorization', '*.headers', 'apiKeys', '*.apiKeys', '*.image', '*.mask'],
      censor: '[redacted]',
    },
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        path: pathOf(request).slice(0, 500),
        host: request.host,
        remoteAddress: request.ip,
      }),
      res: (reply: Pick<FastifyReply, 'statusCode'>) => ({ statusCode: reply.statusCode }),
      err: serializeError,
    },
  };
}

interface SerializedError {
  readonly [key: string]: unknown;
  type: string;
  message: string;
  stack: string;
}

/** An error with its causes, in plain text without encoded bytes. */
export function serializeError(error: unknown): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutBytes(String(error)), stack: '' };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    message: withoutBytes(message),
    ...(typeof code === 'string' && { code }),
    stack: withoutBytes(stack ?? ''),
    ...(cause !== undefined && { cause: serializeError(cause) }),
  };
}

function withoutBytes(text: string): string {
  return text.slice(0, longestText).replace(encoded, '[bytes]');
}
