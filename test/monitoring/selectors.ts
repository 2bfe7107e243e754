const token = new RegExp(
  [
    String.raw`"(?:[^"\\]|\\.)*"`,
    String.raw`\{(?:[^}"]|"(?:[^"\\]|\\.)*")*\}`,
    String.raw`\[[^\]]*\]`,
    String.raw`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`,
    String.raw`[A-Za-z_:][\w:]*`,
    String.raw`\d[\w.]*`,
    String.raw`\S`,
  ].join('|'),
  'g',
);

const operators = new Set(['and', 'or', 'unless', 'offset', 'bool', 'atan2']);

/** The selectors of a PromQL expression: names of metrics, each with its matchers. */
export function selectorsIn(expression: string): readonly string[] {
  const tokens = expression.match(token) ?? [];
  return tokens.flatMap((name, index) => {
    const next = tokens[index + 1] ?? '';
    const isFunction = next === '(' || /^(?:by|without)\b/.test(next);
    const isMetric = /^[A-Za-z_:][\w:]*$/.test(name) && !operators.has(name) && !isFunction;
    return isMetric ? [next.startsWith('{') ? name + next : name] : [];
  });
}
