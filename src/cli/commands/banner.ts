import type { Config } from '../../app/config.ts';
import { callableHost } from '../../base/callable-host.ts';
import type { Paint } from '../../base/paint.ts';

/** Where the service listens. */
interface Ports {
  readonly apiPort: number;
  readonly opsPort: number;
  readonly platformPort?: number | undefined;
}

/** What a terminal shows once the service listens: what to open, and a first call. */
export function describeStart(
  paint: Paint,
  { host, console: hasConsole, simulatorApi }: Pick<Config, 'host' | 'console' | 'simulatorApi'>,
  { apiPort, opsPort, platformPort }: Ports,
  version: string,
): string {
  const name = ['0.0.0.0', '::', '127.0.0.1'].includes(host) ? 'localhost' : callableHost(host);
  const api = `http://${name}:${apiPort}`;
  const rows: readonly (readonly [string, string])[] = [
    ...(hasConsole ? ([['Console', `${api}/`]] as const) : []),
    ['Calls', `gRPC, gRPC-Web and Connect (JSON) at ${name}:${apiPort}`],
    ...(platformPort === undefined
      ? []
      : ([['Platform', `its own contract, gRPC at ${name}:${platformPort}`]] as const)),
    ['Health', `http://${name}:${opsPort}/health, metrics at /metrics`],
  ];
  const payment = JSON.stringify({
    reservation_id: 'reservation-1',
    user_id: 'user-1',
    amount: { amount: 120_000, currency: 'KRW' },
    ...(simulatorApi && { webhook_url: `${api}/inbox` }),
  });
  return [
    '',
    `  ${paint('bold', 'Payment Sim')} ${paint('dim', version)}`,
    '',
    ...rows.map(([what, text]) => `  ${paint('dim', what.padEnd(10))}${paint(undefined, text)}`),
    '',
    '  A first payment:',
    paint(
      'cyan',
      `  curl ${api}/payment.v1.PaymentService/CreatePaymentIntent -H 'content-type: application/json' -d '${payment}'`,
    ),
    '',
    `  ${paint('dim', 'What happens is shown below. Ctrl-C stops the service.')}`,
    '',
    '',
  ].join('\n');
}
