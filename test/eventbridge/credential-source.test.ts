import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readAwsConfig } from '../../src/aws/aws-config.ts';
import { findCredentialSource } from '../../src/aws/credential-source.ts';
import { EnvironmentReader } from '../../src/base/env/config-reader.ts';

const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

function source(
  env: Readonly<Record<string, string>>,
  options: { development?: boolean; endpointUrl?: string } = {},
) {
  const { development = false, endpointUrl } = options;
  return findCredentialSource(readAwsConfig(new EnvironmentReader(env)), { development, endpointUrl });
}

function profileFiles(files: { credentials?: string; config?: string }): Record<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'payment-sim-aws-'));
  writeFileSync(join(directory, 'credentials'), files.credentials ?? '');
  writeFileSync(join(directory, 'config'), files.config ?? '');
  return {
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials'),
    AWS_CONFIG_FILE: join(directory, 'config'),
  };
}

test('nothing configured gives nothing', () => {
  expect(source({})).toBeUndefined();
  expect(source({ HOME: '/nonexistent' }, { development: true })).toBeUndefined();
  expect(source(profileFiles({ config: '[default]\nregion = ap-northeast-2\n' }))).toBeUndefined();
});

test('keys and roles of the environment are found', () => {
  expect(source(keys)).toEqual({ kind: 'keys', keys: { accessKeyId: 'id', secretAccessKey: 'secret' } });
  expect(source({ ...keys, AWS_SESSION_TOKEN: 't' })).toMatchObject({ keys: { sessionToken: 't' } });
  expect(source({ AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn' })).toEqual({ kind: 'chain' });
  expect(source({ AWS_WEB_IDENTITY_TOKEN_FILE: '/token' })).toBeUndefined();
  expect(source({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' })).toEqual({
    kind: 'chain',
  });
});

test('a profile counts when it exists and gives credentials', () => {
  const files = profileFiles({
    credentials: '[plain]\naws_access_key_id = a\naws_secret_access_key = b\n',
    config:
      '[profile sso]\r\nsso_session = corp\r\n[profile "role"]\nrole_arn=arn\n[profile bare]\nregion=x\n',
  });
  for (const profile of ['plain', 'sso', 'role']) {
    expect(source({ ...files, AWS_PROFILE: profile })).toEqual({ kind: 'profile', profile });
  }
  expect(source({ ...files, AWS_PROFILE: 'bare' })).toBeUndefined();
  expect(source({ ...files, AWS_PROFILE: 'unknown' })).toBeUndefined();
  // Chosen by name, a profile goes before keys; one that does not exist does not.
  expect(source({ ...files, ...keys, AWS_PROFILE: 'plain' })).toMatchObject({ kind: 'profile' });
  expect(source({ ...files, ...keys, AWS_PROFILE: 'unknown' })).toMatchObject({ kind: 'keys' });
});

test('in development the profile tacos is taken where it exists, otherwise the default profile', () => {
  const entry = 'aws_access_key_id = a\naws_secret_access_key = b\n';
  const both = profileFiles({ credentials: `[default]\n${entry}[tacos]\n${entry}` });
  const onlyDefault = profileFiles({ credentials: `[default]\n${entry}` });
  expect(source(both, { development: true })).toEqual({ kind: 'profile', profile: 'tacos' });
  expect(source(both, { development: false })).toEqual({ kind: 'profile', profile: 'default' });
  expect(source(onlyDefault, { development: true })).toEqual({ kind: 'profile', profile: 'default' });
  expect(source({ ...both, ...keys }, { development: true })).toMatchObject({ kind: 'keys' });
});

test('an endpoint over http is a stand-in, for which placeholders do', () => {
  expect(source({}, { endpointUrl: 'http://localhost:4566' })).toMatchObject({
    kind: 'keys',
    keys: { accessKeyId: 'local' },
  });
  expect(
    source({}, { endpointUrl: 'https://vpce-1.events.ap-northeast-2.vpce.amazonaws.com' }),
  ).toBeUndefined();
  expect(source(keys, { endpointUrl: 'http://localhost:4566' })).toMatchObject({
    keys: { accessKeyId: 'id' },
  });
});
