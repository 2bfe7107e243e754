import { expect, test } from 'vitest';
import { regionOfQueue } from '../../src/aws/queue-region.ts';

test.each([
  ['https://sqs.us-east-1.amazonaws.com/123456789012/q', 'us-east-1'],
  ['https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q', 'cn-north-1'],
  ['https://sqs-fips.us-west-2.amazonaws.com/123456789012/q', 'us-west-2'],
  ['https://sqs.eu-west-3.api.aws/123456789012/q', 'eu-west-3'],
  ['https://vpce-1.sqs.ap-northeast-2.vpce.amazonaws.com/123456789012/q', 'ap-northeast-2'],
  ['https://ap-northeast-2.queue.amazonaws.com/123456789012/q', 'ap-northeast-2'],
  ['http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/q', undefined],
  ['http://localhost:4566/000000000000/q', undefined],
  [undefined, undefined],
])('the region of the queue at %s is %s', (url, region) => {
  expect(regionOfQueue(url)).toBe(region);
});
