/** Of every service of this benchmark. */
export function redisSettings(eventBridgePort: number): Readonly<Record<string, string>> {
  return {
    MAX_PAYMENTS: '4000000',
    EVENTBRIDGE: 'on',
    AWS_ENDPOINT_URL_EVENTBRIDGE: `http://127.0.0.1:${eventBridgePort}`,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
}
