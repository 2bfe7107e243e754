import { createConnectWebClient } from '../support/clients/connect-web-client.ts';
import { cases } from './cases.ts';
import { runCases } from './run-cases.ts';

runCases('gRPC-Web, @connectrpc/connect-web', createConnectWebClient('grpc-web'), cases);
runCases('Connect binary, @connectrpc/connect-web', createConnectWebClient('connect-binary'), cases);
runCases('Connect binary with GET, @connectrpc/connect-web', createConnectWebClient('connect-get'), cases);
