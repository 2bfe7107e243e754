import { afterAll, beforeAll } from 'vitest';
import { testErrorsWith } from '../protocol/grpc-error-cases.ts';
import { buildGoClient, missingGo } from '../support/clients/grpc-errors/grpc-error-clients.ts';

let client: Awaited<ReturnType<typeof buildGoClient>>;

beforeAll(async () => {
  client = await buildGoClient();
}, 900_000);

afterAll(() => client.remove());

testErrorsWith('grpc-go', missingGo, () => client);
