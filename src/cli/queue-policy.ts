/** Whether a queue's policy lets EventBridge send messages for a rule. */
export type PolicyVerdict = 'allows' | 'allows-nobody' | 'wants-other-source';

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the `Policy` attribute of a queue. Knows the forms in which such policies are written, not
 * all of IAM: statements that allow, with conditions on `aws:SourceArn`.
 */
export function judgeQueuePolicy(
  policy: string | undefined,
  queueArn: string,
  ruleArn: string,
): PolicyVerdict {
  const statements = listOf(parse(policy)['Statement']).filter(isObject);
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
  const names = isObject(principal)
    ? [...listOf(principal['Service']), ...listOf(principal['AWS'])]
    : [principal];
  return names.includes('events.amazonaws.com') || names.includes('*');
}

function admitsSource(condition: unknown, ruleArn: string): boolean {
  const wanted = Object.values(isObject(condition) ? condition : {})
    .filter(isObject)
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

function parse(policy: string | undefined): Json {
  const value: unknown = policy === undefined ? undefined : JSON.parse(policy);
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
