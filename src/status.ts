import { loadConfig } from './config.ts';

/** Asks the service on this machine how it is; ends with 1 when it does not answer or is not healthy. */
const url = `http://localhost:${loadConfig(process.env).healthPort}/health`;
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  process.stdout.write(`${response.status} ${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch {
  process.stderr.write(`no answer from ${url}\n`);
  process.exitCode = 1;
}
