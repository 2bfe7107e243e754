import { secretToKey } from './signature.ts';

/** Node decodes broken base64 without a word, to an empty key in the end; receivers' libraries refuse it. */
export function isUsableSecret(secret: string): boolean {
  if (!secret.startsWith('whsec_')) {
    return true;
  }
  const key = secretToKey(secret);
  return key.length > 0 && secret === `whsec_${key.toString('base64')}`;
}

/**
 * The keys of the secrets that a receiver accepts, in the notation of WEBHOOK_SECRET.
 *
 * @param secret one secret, several in a comma-separated list, or an array of either.
 * @throws TypeError when one is empty or has broken base64 after `whsec_`; its value is not repeated.
 */
export function secretsToKeys(secret: string | readonly string[]): readonly Buffer[] {
  const secrets = (typeof secret === 'string' ? [secret] : secret).flatMap((entry) =>
    entry.split(',').map((one) => one.trim()),
  );
  if (secrets.length === 0 || secrets.includes('') || !secrets.every(isUsableSecret)) {
    throw new TypeError('a webhook secret must not be empty, and must have padded base64 after "whsec_"');
  }
  return secrets.map(secretToKey);
}
