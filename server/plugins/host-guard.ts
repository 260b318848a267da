/**
 * Web pages must not talk to a server on its user's machine. A page of another origin is refused by its Origin header; a
 * name that an attacker points at this machine (DNS rebinding) by the Host header. Addresses cannot be rebound, so they
 * pass as far as the server listens on them.
 */
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';
import type { ServerConfig } from '../config.ts';

type GuardConfig = Pick<ServerConfig, 'host' | 'allowedHosts' | 'corsOrigins'>;

export function guardHosts(app: FastifyInstance, config: GuardConfig): void {
  const isAllowedHost = hostCheck(config);
  app.addHook('onRequest', async ({ headers }) => {
    if (!isAllowedHost(headers.host)) {
      const shown = JSON.stringify(String(headers.host).slice(0, 100));
      throw new DuetError('not-allowed', `The host ${shown} is not served here; allow it with --allowed-hosts`);
    }
    const { origin } = headers;
    if (origin === undefined || config.corsOrigins.includes(origin) || isOwn(origin, headers.host)) return;
    throw new DuetError('not-allowed', `Pages of ${origin.slice(0, 100)} may not call; allow it with --cors-origins`);
  });
}

/** Whether a Host header is one of this server. */
export function hostCheck({ host, allowedHosts }: Omit<GuardConfig, 'corsOrigins'>): (header?: string) => boolean {
  const allowed = new Set([...allowedHosts, host].map(name => name.toLowerCase()));
  const isLocal = isLoopback(host);
  return header => {
    const name = nameOf(header);
    if (name === undefined) return false;
    return allowed.has('*') || allowed.has(name) || isLoopback(name) || (!isLocal && isIP(name) !== 0);
  };
}

/** `name:port`, `address:port` or `[address]:port` without the port and brackets. */
function nameOf(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

export function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

function isOwn(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol) && new URL(origin).host === host;
}
