import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { splitTarget } from '../transport/request-target.ts';
import type { ConsoleBuild } from './console-build.ts';
import { type ConsoleFile, readConsoleFiles } from './console-files.ts';

/** The console, at `/` and `/assets/`. */
export interface ConsolePages {
  has(path: string): boolean;
  readonly listener: RequestListener;
}

interface Self {
  readonly build: ConsoleBuild;
  /** Told why the console cannot be shown. */
  readonly report: (error: unknown) => void;
  files: ReadonlyMap<string, ConsoleFile>;
}

/**
 * Nothing but what the service itself sends: no script or style in a page, no request to another place, no frame
 * around it. https://www.w3.org/TR/CSP3/
 */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves the console; nothing is read before somebody asks for it. */
export function createConsolePages(build: ConsoleBuild, report: (error: unknown) => void): ConsolePages {
  const self: Self = { build, report, files: new Map() };
  return {
    has: (path) => path === '/' || path.startsWith('/assets/'),
    listener: (request, response) => void answer(self, request, response),
  };
}

async function answer(self: Self, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path } = splitTarget(request.url);
  try {
    if (path === '/' || self.files.size === 0) {
      await self.build.bringUpToDate();
      self.files = await readConsoleFiles(self.build.folder);
    }
  } catch (error) {
    self.report(error);
    return sendText(response, 500, 'The console could not be shown: see the log. npm run build makes it.\n');
  }
  const file = self.files.get(path);
  return file === undefined
    ? sendText(response, 404, 'There is nothing here; the console is at /\n')
    : sendFile(request, response, file);
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: ConsoleFile): void {
  const isZipped = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  const bytes = isZipped ? file.gzipped : file.bytes;
  response.writeHead(200, {
    ...securityHeaders,
    'content-type': file.type,
    'content-length': bytes.length,
    'cache-control': file.lasts ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    ...(isZipped && { 'content-encoding': 'gzip' }),
  });
  response.end(bytes);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...securityHeaders, 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}
