import { Code, ConnectError } from '@connectrpc/connect';

/** The error that ends endless streams at a stop: UNAVAILABLE, upon which clients try another server. */
export function stoppingError(): ConnectError {
  return new ConnectError('the service is stopping', Code.Unavailable);
}
