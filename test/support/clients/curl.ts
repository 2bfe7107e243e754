import { runCommand } from './run-command.ts';

export type HttpVersion = '1.1' | '2';

/** A request for the `curl` command. */
export interface CurlRequest {
  readonly url: string;
  readonly httpVersion: HttpVersion;
  readonly headers?: Readonly<Record<string, string>>;
  /** POST with this body; a request without one is a GET. */
  readonly body?: string | Buffer;
}

/** What `curl` got. */
export interface CurlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Buffer;
}

/** Sends a request with the `curl` command; rejects when no whole response came. */
export async function curl(request: CurlRequest): Promise<CurlResponse> {
  const args = [
    '--silent',
    '--show-error',
    '--max-time',
    '10',
    request.httpVersion === '2' ? '--http2-prior-knowledge' : '--http1.1',
    '--write-out',
    '%{stderr}{"status":%{http_code},"version":"%{http_version}","headers":%{header_json}}',
    ...Object.entries(request.headers ?? {}).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...(request.body === undefined ? [] : ['--data-binary', '@-']),
    request.url,
  ];
  const { exitCode, stdout, stderr } = await runCommand('curl', args, request.body);
  if (exitCode !== 0) {
    throw new Error(`curl ended with ${exitCode}: ${stderr}`);
  }
  const { status, version, headers } = JSON.parse(stderr) as CurlResponse & { version: string };
  if (version !== request.httpVersion) {
    throw new Error(`curl was to speak HTTP/${request.httpVersion}, but spoke HTTP/${version}`);
  }
  return { status, headers, body: stdout };
}
