import { isJsonObject, type JsonObject } from '../../base/json.ts';

/** Whether a queue's policy lets EventBridge send messages for a rule. */
type PolicyVerdict = 'allows' | 'allows-nobody' | 'wants-other-source';

/**
 * Reads the `Policy` attribute of a queue, undefined when it has none. Covers the usual forms, not all of
 * IAM: statements with `Allow`, with conditions on `aws:SourceArn`.
 *
 * @throws SyntaxError when the policy is not JSON.
 */
export function judgeQueuePolicy(
  policy: string | undefined,
  queueArn: string,
  ruleArn: string,
): PolicyVerdict {
  const statements = listOf(parsePolicy(policy)['Statement']).filter(isJsonObject);
  const candidates = statements.filter(
    (statement) =>
      statement['Effect'] === 'Allow' &&
      namesEventBridge(statement['Principal']) &&
      listOf(statement['Action']).some((action) =>
        matches(String(action).toLowerCase(), 'sqs:sendmessage'),
      ) &&
      listOf(statement['Resource']).some((resource) => matches(String(resource), queueArn)),
  );
  if (candidates.length === 0) {
    return 'allows-nobody';
  }
  return candidates.some((statement) => admitsSource(statement['Condition'], ruleArn))
    ? 'allows'
    : 'wants-other-source';
}

function namesEventBridge(principal: unknown): boolean {
  const names = isJsonObject(principal)
    ? [...listOf(principal['Service']), ...listOf(principal['AWS'])]
    : [principal];
  return names.includes('events.amazonaws.com') || names.includes('*');
}

function admitsSource(condition: unknown, ruleArn: string): boolean {
  const wanted = Object.values(isJsonObject(condition) ? condition : {})
    .filter(isJsonObject)
    .flatMap((operands) => Object.entries(operands))
    .filter(([key]) => key.toLowerCase() === 'aws:sourcearn')
    .flatMap(([, value]) => listOf(value));
  return wanted.length === 0 || wanted.some((pattern) => matches(String(pattern), ruleArn));
}

/** `*` stands for any characters. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern.split('*').map((part) => part.replaceAll(/[.?+^$()[\]{}|\\]/g, String.raw`\$&`));
  return new RegExp(`^${expression.join('.*')}$`).test(text);
}

function parsePolicy(policy: string | undefined): JsonObject {
  const value: unknown = policy === undefined ? undefined : JSON.parse(policy);
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
