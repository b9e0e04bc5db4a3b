// REST calls, relative to the page so that a path prefix works; errors come out as words.
import type { ErrorBody } from './messages';

export class RestError extends Error {
  constructor(readonly status: number, readonly body: ErrorBody) {
    super(body.message);
  }
}

const WORDS: Record<number, string> = {
  0: 'The server does not answer.',
  401: 'This page is not signed in: open the address that the server printed, with its token.',
  403: 'This token may not do that.',
  404: 'That is not there (any more).',
  409: 'That is not possible now.',
  413: 'That is larger than the server takes.',
  429: 'Too many requests: try again in a moment.',
};

async function bodyOf(reply: Response): Promise<ErrorBody> {
  const standard = WORDS[reply.status] ?? `The server answered ${reply.status}.`;
  try {
    const body = (await reply.json()) as { error?: Partial<ErrorBody> };
    return { ...body.error, code: body.error?.code ?? String(reply.status), message: body.error?.message ?? standard };
  } catch {
    return { code: String(reply.status), message: standard };
  }
}

async function call(method: string, path: string, content?: unknown, accept = 'application/json'): Promise<Response> {
  let reply: Response;
  const headers: Record<string, string> = { Accept: accept };
  if (content !== undefined) headers['Content-Type'] = 'application/json';
  try {
    reply = await fetch('api/v1/' + path, {
      method, headers, credentials: 'same-origin', body: content === undefined ? undefined : JSON.stringify(content),
    });
  } catch {
    throw new RestError(0, { code: 'unreachable', message: WORDS[0] });
  }
  if (!reply.ok) throw new RestError(reply.status, await bodyOf(reply));
  return reply;
}

export const segment = (text: string): string => encodeURIComponent(text);
export const getJson = async <T>(path: string): Promise<T> => (await call('GET', path)).json() as Promise<T>;
export const getText = async (path: string, accept: string): Promise<string> => (await call('GET', path, undefined, accept)).text();
export const getBuffer = async (path: string): Promise<ArrayBuffer> => (await call('GET', path, undefined, '*/*')).arrayBuffer();
export const getBlob = async (path: string): Promise<Blob> => (await call('GET', path, undefined, '*/*')).blob();
export const postJson = async <T>(path: string, content: unknown): Promise<T> => (await call('POST', path, content)).json() as Promise<T>;
export const patchJson = async <T>(path: string, content: unknown): Promise<T> => (await call('PATCH', path, content)).json() as Promise<T>;
export const remove = async (path: string): Promise<void> => void (await call('DELETE', path));
