import { describe } from 'vitest';
import { createConnectCurlClient } from '../support/clients/connect-curl-client.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { cases } from './cases.ts';
import { runCases } from './run-cases.ts';

describe.skipIf(missingCurl)('the curl command', () => {
  runCases(
    'Connect JSON over HTTP/1.1, curl',
    createConnectCurlClient({ httpVersion: '1.1', encoding: 'json', spelling: 'snake', get: false }),
    cases,
  );
  runCases(
    'Connect JSON in camel case with GET over h2c, curl',
    createConnectCurlClient({ httpVersion: '2', encoding: 'json', spelling: 'camel', get: true }),
    cases,
  );
  runCases(
    'Connect binary with GET over HTTP/1.1, curl',
    createConnectCurlClient({ httpVersion: '1.1', encoding: 'proto', spelling: 'snake', get: true }),
    cases.filter((paymentCase) => paymentCase.essential),
  );
  runCases(
    'Connect binary over h2c, curl',
    createConnectCurlClient({ httpVersion: '2', encoding: 'proto', spelling: 'snake', get: false }),
    cases.filter((paymentCase) => paymentCase.essential),
  );
});
