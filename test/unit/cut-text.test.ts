import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.js';
import { cutText } from '../../src/base/cut-text.ts';
import { setGrpcStatus } from '../../src/server/transport/grpc-status.ts';

test.each([
  ['', 3, ''],
  ['abcd', 4, 'abcd'],
  ['abcde', 4, 'a…'],
  ['한글', 6, '한글'],
  ['한글a', 6, '한…'],
  ['한글한', 8, '한…'],
  ['🎫🎫', 7, '🎫…'],
  ['🎫🎫', 6, '…'],
])('%j in at most %i bytes is %j', (text, maxBytes, expected) => {
  expect(cutText(text, maxBytes)).toBe(expected);
});

function statusWith(count: number): Headers {
  const violation = { field: 'amount', description: 'bad' };
  const value = { fieldViolations: Array.from({ length: count }, () => violation) };
  const details = [{ desc: BadRequestSchema, value }];
  return setGrpcStatus(new Headers(), new ConnectError('no', Code.InvalidArgument, undefined, details));
}

test('details that would fill the headers are left out, and others are kept', () => {
  expect(statusWith(8).get('grpc-status-details-bin')).not.toBeNull();
  const bare = statusWith(500);
  expect(bare.get('grpc-status-details-bin')).toBeNull();
  expect(bare.get('grpc-message')).toBe('no');
});
