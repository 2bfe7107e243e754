import type { EnvironmentReader } from './config-reader.ts';

/**
 * Reads the URL of a server; undefined when it is not set. Mistakes are collected in `read`, without the value
 * where it may have a password in it.
 *
 * @param isBase whether a path is put behind it, so that it cannot have a query or a fragment.
 */
export function readHttpUrl(read: EnvironmentReader, name: string, isBase = false): string | undefined {
  const value = read.optionalText(name);
  if (value === undefined) {
    return undefined;
  }
  const url = URL.parse(value);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!isHttp || (isBase && (url.search !== '' || url.hash !== ''))) {
    const shown = value.includes('@') ? '' : `, not "${value}"`;
    read.mistake(name, `must be an http or https URL${isBase ? ' without a query or fragment' : ''}${shown}`);
    return undefined;
  }
  if (url.username !== '' || url.password !== '') {
    read.mistake(name, 'must have no user and password in front of an @: they would not be sent, but logged');
    return undefined;
  }
  return value;
}
