import { readHttpUrl } from '../http-url.ts';
import type { EnvironmentReader } from './config-reader.ts';

/** The proxies that calls out go through, by the names that curl, Go and Python know them by. */
export interface Proxies {
  readonly HTTP_PROXY?: string;
  readonly HTTPS_PROXY?: string;
  /** Hosts that are called directly, comma-separated. */
  readonly NO_PROXY: string;
}

/** Called directly, whatever is set, as Go has it: a proxy elsewhere cannot reach them. */
const loopback = 'localhost,127.0.0.1,[::1]';

/**
 * Reads the proxy variables, whose names in lower case go first. Mistakes are noted in `read` and do not repeat the value, which may have a password in it.
 */
export function readProxies(read: EnvironmentReader): Proxies {
  const http = proxy(read, 'HTTP_PROXY');
  const https = proxy(read, 'HTTPS_PROXY');
  const direct = read.optionalText('no_proxy') ?? read.optionalText('NO_PROXY');
  return {
    ...(http !== undefined && { HTTP_PROXY: http }),
    ...(https !== undefined && { HTTPS_PROXY: https }),
    NO_PROXY: direct === undefined ? loopback : `${direct},${loopback}`,
  };
}

function proxy(read: EnvironmentReader, name: string): string | undefined {
  const used = read.optionalText(name.toLowerCase()) === undefined ? name : name.toLowerCase();
  const text = read.optionalText(used);
  if (text === undefined) {
    return undefined;
  }
  // As curl has it: http unless it says otherwise. Other than a URL that is called, it may carry credentials.
  const address = text.includes('://') ? text : `http://${text}`;
  const reading = readHttpUrl(address.replace(/^(https?:\/\/)[^@/]*@/, '$1'));
  if ('problem' in reading) {
    read.mistake(
      used,
      `is no address of a proxy, such as http://proxy.example.com:3128: it ${reading.problem}`,
    );
    return undefined;
  }
  return address;
}
