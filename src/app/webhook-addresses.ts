import {
  createEgressPolicy,
  describeCidrProblem,
  type EgressPolicy,
} from '../delivery/webhook/egress-policy.ts';
import { createWebhookUrlCheck, type WebhookUrlCheck } from '../payment/webhook-url.ts';

/* The part of the composition root (app.ts) that says which addresses webhooks may have. */

interface EgressConfig {
  readonly environment: string;
  readonly webhookBlockedCidrs: readonly string[];
  readonly webhookAllowedHosts: readonly string[];
}

/** Where webhooks may go. */
export function egressPolicyOf(config: EgressConfig): EgressPolicy {
  return createEgressPolicy({
    allowLoopback: config.environment === 'development',
    blockedCidrs: config.webhookBlockedCidrs,
    allowedHosts: config.webhookAllowedHosts,
  });
}

/** The check of the addresses that callers name. */
export function createAddressCheck(policy: EgressPolicy): WebhookUrlCheck {
  return createWebhookUrlCheck(({ hostname }) => {
    const reason = policy.refuseHost(hostname);
    return reason && `${hostname} ${reason}`;
  });
}

/** What is wrong with an address in the configuration, whose networks may be wrong as well. */
export function describeAddressProblem(address: string, config: EgressConfig): string | undefined {
  const webhookBlockedCidrs = config.webhookBlockedCidrs.filter(
    (cidr) => describeCidrProblem(cidr) === undefined,
  );
  const verdict = createAddressCheck(egressPolicyOf({ ...config, webhookBlockedCidrs }))(address);
  return 'problem' in verdict ? verdict.problem : undefined;
}
