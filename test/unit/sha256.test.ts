import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Sha256 } from '../../src/aws/sha256.ts';

const text = 'AWS4-HMAC-SHA256\n20261127T024046Z\n서울';
const bytes = new TextEncoder().encode(text);
const padded = new Uint8Array([0, ...bytes, 0]);
const forms: [string, string | ArrayBuffer | ArrayBufferView][] = [
  ['text', text],
  ['bytes', bytes],
  ['a part of a buffer', padded.subarray(1, -1)],
  ['a view that is not of bytes one by one', new DataView(padded.buffer, 1, bytes.length)],
  ['a buffer', bytes.buffer],
];

async function digestOf(hash: Sha256, data: string | ArrayBuffer | ArrayBufferView): Promise<string> {
  hash.update(data);
  return Buffer.from(await hash.digest()).toString('hex');
}

describe('SHA-256 for the AWS SDK', () => {
  test.each(forms)('of %s is what node:crypto makes of it', async (_name, data) => {
    expect(await digestOf(new Sha256(), data)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  test.each(forms)('signs with %s as a key, again and after a reset', async (_name, secret) => {
    const right = createHmac('sha256', text).update('what is signed').digest('hex');
    const hash = new Sha256(secret);
    expect(await digestOf(hash, 'what is signed')).toBe(right);
    hash.reset();
    expect(await digestOf(hash, 'what is signed')).toBe(right);
    expect(await digestOf(new Sha256(secret), 'what is signed')).toBe(right);
  });

  test('keeps keys of the same length apart', async () => {
    const [one, two] = [randomBytes(32), randomBytes(32)];
    expect(await digestOf(new Sha256(one), 'x')).not.toBe(await digestOf(new Sha256(two), 'x'));
  });
});
