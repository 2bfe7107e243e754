import { readHttpUrl } from '../http-url.ts';
import type { EnvironmentReader } from './config-reader.ts';

/** Where a server listens at all addresses of its machine; a client has to name one. */
const unspecifiedHosts: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['[::]', '[::1]'],
]);

/**
 * Reads a variable with an http or https URL: the address as it is called, undefined when it is not set or
 * wrong. Mistakes are noted in `read` and do not repeat the value, which may have a password in it.
 */
export function readHttpUrlVariable(read: EnvironmentReader, name: string): string | undefined {
  const text = read.optionalText(name);
  if (text === undefined) {
    return undefined;
  }
  const reading = readHttpUrl(text);
  if ('problem' in reading) {
    read.mistake(name, reading.problem);
    return undefined;
  }
  const { hostname } = reading.url;
  const meant = unspecifiedHosts.get(hostname);
  if (meant !== undefined) {
    read.mistake(name, `must have another host: ${hostname} is no address to call; use ${meant}`);
    return undefined;
  }
  return reading.address;
}
