import { expect, test } from 'vitest';
import { createLineBuffer } from '../../src/process/line-buffer.ts';
import { createLogger } from '../../src/observability/logger.ts';

test('lines are gathered, but an error goes out at once with what came before it', () => {
  const written: string[] = [];
  const lines = createLineBuffer({ write: (text: string) => void written.push(text) });
  const logger = createLogger('debug', lines);
  logger.info('one');
  logger.warn('two');
  expect(written).toEqual([]);
  logger.error({ error: 'broken' }, 'three');
  expect(written).toHaveLength(1);
  expect(written[0]?.match(/"msg":"\w+"/g)).toEqual(['"msg":"one"', '"msg":"two"', '"msg":"three"']);
  logger.info('four');
  expect(written).toHaveLength(1);
  lines.flush();
  expect(written).toHaveLength(2);
});
