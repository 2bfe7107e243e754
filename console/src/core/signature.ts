import { quoteForShell } from './copy-as.ts';

/* How a receiver checks a webhook, step by step. By WebCrypto, and without anything of the page. */

/** How far the timestamp may be from the receiver's clock: what libraries of Standard Webhooks allow. */
export const toleranceSeconds = 300;

/** Whether a receiver takes it; all but `match` have to be refused. */
export type SignatureVerdict =
  | 'match'
  | 'mismatch'
  | 'too-old'
  | 'too-early'
  | 'missing-header'
  | 'malformed-header'
  | 'no-time'
  | 'bad-secret'
  | 'no-crypto';

/** What was computed for one header with signatures. */
export interface HeaderCheck {
  readonly header: 'webhook-signature' | 'x-webhook-signature';
  /** The very text of which signatures are made. */
  readonly signed: string;
  /** The signatures in the header that can be compared. */
  readonly given: readonly string[];
  /** What they should be, one for each secret. */
  readonly computed: readonly string[];
  readonly fits: boolean;
}

/** What a receiver finds. */
export interface SignatureResult {
  readonly verdict: SignatureVerdict;
  /** The header that is missing or malformed, or does not fit. */
  readonly about: string;
  /** The one that decides first. */
  readonly checks: readonly HeaderCheck[];
  /** From the time that is signed to the receiver's; undefined where none is signed. */
  readonly ageSeconds: number | undefined;
}

/** A webhook as it came. */
export interface SignedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A header with signatures, before anything is computed. */
interface Claim extends Pick<HeaderCheck, 'header' | 'signed' | 'given'> {
  readonly sentAtSeconds: number | undefined;
}

/** What keeps a receiver from comparing anything. */
interface Obstacle {
  readonly verdict: 'missing-header' | 'malformed-header';
  readonly about: string;
}

const standardNames = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
const simpleName = 'x-webhook-signature';

/**
 * The headers of Standard Webhooks decide alone as soon as one of them is there; `x-webhook-signature` otherwise.
 *
 * @param secret in the notation of WEBHOOK_SECRET: several are separated by commas.
 * @param atMs the receiver's clock.
 */
export async function checkSignature(
  { headers, body }: SignedWebhook,
  secret: string,
  atMs: number,
): Promise<SignatureResult> {
  const nothing = { about: '', checks: [], ageSeconds: undefined };
  const keys = secret.split(',').map((one) => keyOf(one.trim()));
  if (globalThis.crypto?.subtle === undefined) {
    return { ...nothing, verdict: 'no-crypto' };
  }
  if (!keys.every((key) => key !== undefined)) {
    return { ...nothing, verdict: 'bad-secret' };
  }
  const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const simple = claimOfSimple(named, body);
  const isStandard = standardNames.some((name) => named.has(name));
  const decisive = isStandard ? claimOfStandard(named, body) : simple;
  if ('verdict' in decisive) {
    return { ...nothing, ...decisive };
  }
  const claims = isStandard && !('verdict' in simple) ? [decisive, simple] : [decisive];
  const checks = await Promise.all(claims.map((claim) => compare(claim, keys)));
  return { checks, ...judge(decisive, checks[0]?.fits === true, atMs) };
}

function judge({ header, sentAtSeconds }: Claim, fits: boolean, atMs: number) {
  const ageSeconds = sentAtSeconds === undefined ? undefined : Math.floor(atMs / 1_000) - sentAtSeconds;
  return { about: header, ageSeconds, verdict: fits ? judgeAge(ageSeconds) : ('mismatch' as const) };
}

function judgeAge(ageSeconds: number | undefined): SignatureVerdict {
  if (ageSeconds === undefined) {
    return 'no-time';
  }
  return Math.abs(ageSeconds) <= toleranceSeconds ? 'match' : ageSeconds > 0 ? 'too-old' : 'too-early';
}

/** `v1,<base64>` of `id.timestamp.body`, several separated by blanks. */
function claimOfStandard(named: ReadonlyMap<string, string>, body: string): Claim | Obstacle {
  const missing = standardNames.find((name) => (named.get(name) ?? '') === '');
  if (missing !== undefined) {
    return { verdict: 'missing-header', about: missing };
  }
  const [id, sentAt = '', signature = ''] = standardNames.map((name) => named.get(name));
  if (!/^\d{1,12}$/.test(sentAt)) {
    return { verdict: 'malformed-header', about: 'webhook-timestamp' };
  }
  // Those of other versions may stand beside it.
  const given = signature.split(' ').filter((one) => one.startsWith('v1,'));
  return given.length === 0
    ? { verdict: 'malformed-header', about: 'webhook-signature' }
    : {
        header: 'webhook-signature',
        signed: `${id}.${sentAt}.${body}`,
        given,
        sentAtSeconds: Number(sentAt),
      };
}

/** `sha256=<hex>` of the body, whose own `timestamp` is the time. */
function claimOfSimple(named: ReadonlyMap<string, string>, body: string): Claim | Obstacle {
  const signature = named.get(simpleName) ?? '';
  if (signature === '') {
    return { verdict: 'missing-header', about: simpleName };
  }
  return /^sha256=[0-9a-f]{64}$/i.test(signature)
    ? { header: simpleName, signed: body, given: [signature.toLowerCase()], sentAtSeconds: timeIn(body) }
    : { verdict: 'malformed-header', about: simpleName };
}

function timeIn(body: string): number | undefined {
  try {
    const { timestamp } = JSON.parse(body);
    return Number.isSafeInteger(timestamp) ? timestamp : undefined;
  } catch {
    return undefined;
  }
}

async function compare(
  { header, signed, given }: Claim,
  keys: readonly Uint8Array<ArrayBuffer>[],
): Promise<HeaderCheck> {
  const macs = await Promise.all(keys.map((key) => hmacSha256(key, signed)));
  const computed = macs.map((mac) =>
    header === simpleName ? `sha256=${hexOf(mac)}` : `v1,${btoa(String.fromCharCode(...mac))}`,
  );
  // No need for constant time: who looks here has the secret.
  return { header, signed, given, computed, fits: computed.some((one) => given.includes(one)) };
}

async function hmacSha256(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text)));
}

const base64Prefix = 'whsec_';

/** `whsec_<base64>` stands for bytes, all else is text. Undefined: nothing that signs. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> | undefined {
  if (!secret.startsWith(base64Prefix)) {
    return secret === '' ? undefined : new TextEncoder().encode(secret);
  }
  const base64 = secret.slice(base64Prefix.length);
  try {
    const bytes = atob(base64);
    // Without padding, or with blanks, libraries of receivers refuse it.
    return bytes !== '' && btoa(bytes) === base64
      ? Uint8Array.from(bytes, (one) => one.charCodeAt(0))
      : undefined;
  } catch {
    return undefined;
  }
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The same in a terminal, with the first secret: what it prints is to be in the header. */
export function asOpenssl({ header, signed }: HeaderCheck, secret: string): string {
  const [first = ''] = secret.split(',').map((one) => one.trim());
  const key = first.startsWith(base64Prefix)
    ? `-mac HMAC -macopt hexkey:${hexOf(keyOf(first) ?? new Uint8Array())}`
    : `-hmac ${quoteForShell(first)}`;
  const form = header === simpleName ? '-r' : '-binary | base64';
  return `printf '%s' ${quoteForShell(signed)} \\\n  | openssl dgst -sha256 ${key} ${form}`;
}
