import { join } from 'node:path';
import type { EnvironmentReader } from '../base/env/config-reader.ts';
import { readHttpUrlVariable } from '../base/env/http-url-variable.ts';
import { readProxies } from '../base/env/proxies.ts';
import { readTextFile } from '../base/env/text-file.ts';

/** Long-term or temporary access keys. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The AWS variables of the environment; their names are those of the AWS SDKs. */
export type AwsConfig = Readonly<ReturnType<typeof readAwsConfig>>;

/** Reads the AWS variables; mistakes are collected in `read`. */
export function readAwsConfig(read: EnvironmentReader) {
  const endpointUrl = readHttpUrlVariable(read, 'AWS_ENDPOINT_URL');
  const home = read.optionalText('HOME') ?? read.optionalText('USERPROFILE');
  const credentials = read.optionalText('AWS_SHARED_CREDENTIALS_FILE');
  const config = read.optionalText('AWS_CONFIG_FILE');
  return {
    region: region(read),
    /** Undefined when it is not set. */
    profile: read.optionalText('AWS_PROFILE'),
    /** Where EventBridge is called instead of AWS itself. */
    eventBridgeUrl: readHttpUrlVariable(read, 'AWS_ENDPOINT_URL_EVENTBRIDGE') ?? endpointUrl,
    /** Where SQS is called instead of AWS itself. */
    sqsUrl: readHttpUrlVariable(read, 'AWS_ENDPOINT_URL_SQS') ?? endpointUrl,
    keys: keys(read),
    /** Whether the platform provides a role: IRSA, EKS Pod Identity or an ECS task role. */
    hasRole:
      (read.optionalText('AWS_WEB_IDENTITY_TOKEN_FILE') !== undefined &&
        read.optionalText('AWS_ROLE_ARN') !== undefined) ||
      read.optionalText('AWS_CONTAINER_CREDENTIALS_FULL_URI') !== undefined ||
      read.optionalText('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI') !== undefined,
    /** The shared credentials and config file, in this order; they need not exist. */
    profileFiles:
      home === undefined && (credentials === undefined || config === undefined)
        ? undefined
        : {
            credentials: credentials ?? join(home ?? '', '.aws', 'credentials'),
            config: config ?? join(home ?? '', '.aws', 'config'),
          },
    /** Certificates that are trusted besides those that Node does, in PEM. */
    caBundle: caBundle(read),
    /** What AWS is called through. */
    proxies: readProxies(read),
  };
}

/** Reads the URL of a standard queue; undefined when it is not set. Mistakes are collected in `read`. */
export function queueUrl(read: EnvironmentReader, name: string): string | undefined {
  const url = readHttpUrlVariable(read, name);
  if (url?.endsWith('.fifo') === true) {
    read.mistake(name, 'must be a standard queue, not a FIFO queue');
  }
  return url;
}

function region(read: EnvironmentReader): string {
  const value = read.text('AWS_REGION', 'ap-northeast-2');
  if (!/^[a-z0-9-]{1,63}$/.test(value)) {
    read.mistake('AWS_REGION', `must be the name of a region such as ap-northeast-2, not "${value}"`);
  }
  return value;
}

function caBundle(read: EnvironmentReader): string | undefined {
  const file = read.optionalText('AWS_CA_BUNDLE');
  if (file === undefined) {
    return undefined;
  }
  const reading = readTextFile(file);
  if ('problem' in reading) {
    read.mistake('AWS_CA_BUNDLE', `cannot be read: ${reading.problem}`);
    return undefined;
  }
  if (!reading.text.includes('-----BEGIN CERTIFICATE-----')) {
    read.mistake('AWS_CA_BUNDLE', `must name a file with certificates in PEM; ${file} has none`);
    return undefined;
  }
  return reading.text;
}

function keys(read: EnvironmentReader): AwsKeys | undefined {
  const accessKeyId = read.optionalText('AWS_ACCESS_KEY_ID');
  const secretAccessKey = read.optionalText('AWS_SECRET_ACCESS_KEY');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    if (accessKeyId !== undefined || secretAccessKey !== undefined) {
      const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
      read.mistake(missing, 'must be set as well: an access key is a pair');
    }
    return undefined;
  }
  const sessionToken = read.optionalText('AWS_SESSION_TOKEN');
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}
