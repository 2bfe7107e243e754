/** An address to listen at as one to call, in the form that a URL has: every address becomes loopback. */
export function callableHost(host: string): string {
  if (host === '0.0.0.0') {
    return '127.0.0.1';
  }
  return host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
}
