import { readFileSync } from 'node:fs';
import type { AwsConfig, AwsKeys } from './aws-config.ts';

/** The profile of this platform's developers, taken in development where it exists. */
const developmentProfile = 'tacos';

/** Keys for local substitutes of AWS, which require a signature but do not verify it. */
const placeholderKeys: AwsKeys = { accessKeyId: 'local', secretAccessKey: 'local' };

/** Where the SDK takes credentials from. */
export type CredentialSource =
  | { readonly kind: 'keys'; readonly keys: AwsKeys }
  | { readonly kind: 'profile'; readonly profile: string }
  /** The SDK's own chain: web identity, container role, instance metadata. */
  | { readonly kind: 'chain' };

/**
 * Where credentials could come from, or undefined when nothing is configured. Reads variables and the
 * two profile files only, synchronously; instance metadata, which needs a request, is left to the SDK.
 */
export function findCredentialSource(
  aws: AwsConfig,
  options: {
    readonly development: boolean;
    /** The endpoint that will be called, if it is not AWS itself. */
    readonly endpointUrl: string | undefined;
  },
): CredentialSource | undefined {
  const profiles = readProfiles(aws.profileFiles);
  if (aws.profile !== undefined && profiles.has(aws.profile)) {
    return { kind: 'profile', profile: aws.profile };
  }
  if (aws.keys !== undefined) {
    return { kind: 'keys', keys: aws.keys };
  }
  if (aws.hasRole) {
    return { kind: 'chain' };
  }
  if (aws.profile === undefined && options.development && profiles.has(developmentProfile)) {
    return { kind: 'profile', profile: developmentProfile };
  }
  if (aws.profile === undefined && profiles.has('default')) {
    return { kind: 'profile', profile: 'default' };
  }
  // AWS itself, VPC endpoints included, is called over https.
  return options.endpointUrl?.startsWith('http:') === true
    ? { kind: 'keys', keys: placeholderKeys }
    : undefined;
}

/** The profile that AWS_PROFILE names and no file has; undefined where all is well. */
export function missingProfile(aws: Pick<AwsConfig, 'profile' | 'profileFiles'>): string | undefined {
  return aws.profile === undefined || readProfiles(aws.profileFiles).has(aws.profile)
    ? undefined
    : aws.profile;
}

/** Settings of which a section needs at least one to give credentials, by itself or by a role. */
const credentialSettings =
  /^(aws_access_key_id|role_arn|sso_session|sso_account_id|credential_process|login_session)\s*=/;

function readProfiles(files: AwsConfig['profileFiles']): ReadonlySet<string> {
  const names = new Set<string>();
  for (const path of files === undefined ? [] : [files.credentials, files.config]) {
    let section: string | undefined;
    for (const line of readLines(path)) {
      const header = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1];
      section = header ?? section;
      if (header === undefined && section !== undefined && credentialSettings.test(line.trim())) {
        names.add(section.replaceAll(/^["']|["']$/g, ''));
      }
    }
  }
  return names;
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch {
    // A missing file is the usual case; one that cannot be read gives no credentials either.
    return [];
  }
}
