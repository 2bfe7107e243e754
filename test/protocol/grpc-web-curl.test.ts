import { describe } from 'vitest';
import { createGrpcWebCurlClient } from '../support/clients/grpc-web-curl-client.ts';
import { missingCurl } from '../support/missing-curl.ts';
import { cases } from './cases.ts';
import { runCases } from './run-cases.ts';

describe.skipIf(missingCurl)('the curl command', () => {
  runCases('gRPC-Web over h2c, curl', createGrpcWebCurlClient({ httpVersion: '2' }), cases);
  runCases(
    'gRPC-Web over HTTP/1.1, curl',
    createGrpcWebCurlClient({ httpVersion: '1.1' }),
    cases.filter((paymentCase) => paymentCase.essential),
  );
});
