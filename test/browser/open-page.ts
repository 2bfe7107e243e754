import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { launchBrowser } from '../support/browser.ts';
import type { PageFunctions } from './page.ts';

/** What a page's script puts into its global `page`. */
type CallableIn<Functions> = { readonly [Name in keyof Functions]: (...args: never[]) => unknown };

/** A page in a real browser. */
export interface OpenPage<Functions extends CallableIn<Functions> = PageFunctions> {
  /** The page's own origin. */
  readonly origin: string;
  call<T extends keyof Functions & string>(
    name: T,
    ...args: Parameters<Functions[T]>
  ): Promise<Awaited<ReturnType<Functions[T]>>>;
  close(): Promise<void>;
}

/** Serves the page of this script at a port of its own and opens it. */
export async function openPage<Functions extends CallableIn<Functions> = PageFunctions>(
  source = 'page.ts',
): Promise<OpenPage<Functions>> {
  const script = await bundle(source);
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(origin);
  return {
    origin,
    call: (name, ...args) => page.evaluate(`page.${name}(${args.map((arg) => JSON.stringify(arg)).join()})`),
    async close() {
      await browser.close();
      server.close();
    },
  };
}

async function bundle(source: string): Promise<string> {
  const input = fileURLToPath(new URL(source, import.meta.url));
  const build = await rolldown({ input, platform: 'browser' });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}
