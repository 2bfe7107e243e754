import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { launchBrowser } from '../support/browser.ts';
import type { PageFunctions } from './page.ts';

/** A page in a real browser. */
export interface OpenPage {
  /** The page's own origin. */
  readonly origin: string;
  call<T extends keyof PageFunctions>(
    name: T,
    ...args: Parameters<PageFunctions[T]>
  ): Promise<Awaited<ReturnType<PageFunctions[T]>>>;
  close(): Promise<void>;
}

/** Serves the page at a port of its own and opens it. */
export async function openPage(): Promise<OpenPage> {
  const script = await bundle();
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

async function bundle(): Promise<string> {
  const input = fileURLToPath(new URL('page.ts', import.meta.url));
  const build = await rolldown({ input, platform: 'browser' });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}
