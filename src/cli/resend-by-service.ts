import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  ResendDeliveriesRequestSchema,
  type ResendDeliveriesResponse,
  SimulatorService,
} from '../../gen/simulator/v1/simulator_pb.js';
import { SimulatedChannel } from '../../gen/payment/v1/payment_pb.js';
import { escapeInvisible } from '../base/visible-text.ts';
import { allSessions } from '../simulator/session.ts';
import { sessionHeader } from '../webhook-format/signature.ts';
import type { ServiceResend } from './resend-request.ts';
import { printLines } from './run-command.ts';

/** For the answer, in milliseconds. */
const timeoutMs = 60_000;

/** Has the service send events again, and says which. True when it was asked. */
export async function resendByService({ url, which, isDryRun }: ServiceResend): Promise<boolean> {
  const client = createClient(SimulatorService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));
  const request = create(ResendDeliveriesRequestSchema, {
    which:
      which.case === 'givenUpSince' ? { case: which.case, value: timestampFromMs(which.sinceMs) } : which,
    dryRun: isDryRun,
  });
  const headers = { [sessionHeader]: allSessions };
  print(await client.resendDeliveries(request, { headers, timeoutMs }).catch(explain(url)), isDryRun);
  return true;
}

function explain(url: string) {
  return (error: unknown): never => {
    const { code, rawMessage } = ConnectError.from(error);
    if (code === Code.Unimplemented) {
      throw new Error(
        `${url} has no SimulatorService: it needs SIMULATOR_API=on; without it, pipe the log: kubectl logs … | npm run -s webhooks:resend`,
      );
    }
    throw new Error(`${url}: ${rawMessage}`);
  };
}

function print({ deliveries, total }: ResendDeliveriesResponse, isDryRun: boolean): void {
  for (const { eventId, paymentIntentId, channel, url } of deliveries) {
    const where = channel === SimulatedChannel.WEBHOOK ? url : 'EventBridge';
    printLines(escapeInvisible(`${eventId} ${paymentIntentId} ${where}`));
  }
  if (total > deliveries.length) {
    printLines(`and ${total - deliveries.length} more`);
  }
  printLines(`${total} ${isDryRun ? 'found' : 'sent again; ListDeliveries tells how they fare'}`);
}
