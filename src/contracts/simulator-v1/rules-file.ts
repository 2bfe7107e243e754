import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { quote } from '../../base/quote.ts';
import { escapeInvisible } from '../../base/visible-text.ts';
import { describeIdProblem } from '../../payment/id-rule.ts';
import type { Rule } from '../../simulator/rule.ts';
import { exampleRule, type FindJsonMistakes, maxQuotedLength, readRuleNode } from './rule-node.ts';
import { type ParsedYaml, type Place, placeAt, placeOf, placeOfField, resolveAlias } from './yaml-places.ts';

/* Files of rules: text in, rules or mistakes out. Import it where there is a file: it loads a parser of YAML. */

/** A file of rules in YAML, of which JSON is a part. */
export interface RulesFile {
  /** As mistakes and `Rule.source` call it. */
  readonly name: string;
  readonly text: string;
  readonly findJsonMistakes: FindJsonMistakes;
  /** The ids that others have, and where those stand. */
  readonly taken?: ReadonlyMap<string, string>;
}

/** What a file of rules says. */
export interface RulesReading {
  /** In the order of the file, in which they are asked. Not to be used when there are mistakes. */
  readonly rules: readonly Rule[];
  /** Such as `rules.yaml:12:5 match.user_id must …`. */
  readonly mistakes: readonly string[];
}

interface Reading {
  readonly file: RulesFile;
  readonly yaml: ParsedYaml;
  readonly notes: (Place & { readonly text: string })[];
  /** Where each id stands. */
  readonly ids: Map<string, string>;
}

/** Nobody reads more: with so many it is another kind of file. */
const maxMistakes = 100;

/** Reads a file of rules, and finds every mistake in it. */
export function readRulesFile(file: RulesFile): RulesReading {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const self: Reading = { file, yaml: { document, lines }, notes: [], ids: new Map(file.taken) };
  for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
    const text = code === 'MULTIPLE_DOCS' ? 'a second document begins; a file has one' : message;
    note(self, placeAt(self.yaml, pos[0]), escapeInvisible(text));
  }
  // Of what is no YAML, what was meant is not known.
  const isYaml = document.errors.every(({ code }) => code === 'DUPLICATE_KEY') && haveAnchors(self);
  const nodes = isYaml ? findNodes(self) : [];
  const rules = nodes.flatMap((node, index) => readRule(self, node, index + 1) ?? []);
  return { rules, mistakes: mistakesOf(self) };
}

/** Notes the aliases of anchors that are not there, which the parser finds only when it is asked for values. */
function haveAnchors(self: Reading): boolean {
  const { document } = self.yaml;
  const before = self.notes.length;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined) {
        const name = quote(alias.source, maxQuotedLength);
        note(self, placeOf(self.yaml, alias), `${name} is the name of no anchor above`);
      }
    },
  });
  return self.notes.length === before;
}

/** In the order of the file. */
function mistakesOf({ file: { name }, notes }: Reading): readonly string[] {
  const mistakes = notes
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, text }) => `${name}:${line}:${column} ${text}`);
  const more = mistakes.length - maxMistakes;
  return more > 0 ? [...mistakes.slice(0, maxMistakes), `${name} has ${more} more mistakes`] : mistakes;
}

function note({ notes }: Reading, place: Place, text: string): void {
  notes.push({ ...place, text });
}

/** Those of the rules: of a list, or of one under the key `rules`. */
function findNodes(self: Reading): readonly unknown[] {
  const { yaml } = self;
  const root = yaml.document.contents;
  if (!isMap(root)) {
    return itemsOf(self, root, root);
  }
  const [list, ...others] = root.items.toSorted(
    (a, b) => Number(isRulesKey(b.key)) - Number(isRulesKey(a.key)),
  );
  for (const { key } of list === undefined || isRulesKey(list.key) ? others : root.items) {
    const given = isScalar(key) ? quote(key.value, maxQuotedLength) : 'this key';
    note(
      self,
      placeOf(yaml, key),
      `${given} is not known: there may be a list of rules, alone or under "rules"`,
    );
  }
  if (list !== undefined && !isRulesKey(list.key)) {
    return [];
  }
  return itemsOf(self, list?.value, list?.key);
}

function isRulesKey(key: unknown): boolean {
  return isScalar(key) && key.value === 'rules';
}

/** @param place what stands where the mistake is told. */
function itemsOf(self: Reading, node: unknown, place: unknown): readonly unknown[] {
  const list = resolveAlias(self.yaml, node);
  if (isSeq(list)) {
    return list.items;
  }
  note(self, placeOf(self.yaml, place), `must be a list of rules, such as [${exampleRule}]`);
  return [];
}

/** @param number of the rule in its file, from 1. */
function readRule(self: Reading, node: unknown, number: number): Rule | undefined {
  const { yaml, file, ids } = self;
  const source = `${file.name}:${placeOf(yaml, node).line}`;
  const newId = () => idOf(file.name, number);
  const { rule, violations } = readRuleNode(yaml, node, file.findJsonMistakes, { newId, source });
  for (const { field, description } of violations) {
    const place = placeOfField(yaml, node, field.split('.'));
    note(self, place, field === '' ? description : `${field} ${description}`);
  }
  if (rule === undefined) {
    return undefined;
  }
  const other = ids.get(rule.id);
  if (other === undefined) {
    ids.set(rule.id, source);
  } else {
    const id = quote(rule.id, maxQuotedLength);
    note(self, placeOfField(yaml, node, ['rule_id']), `rule_id ${id} is that of the rule at ${other}`);
  }
  return rule;
}

/** Follows from where the rule stands among the others, and not from its line, which every comment changes. */
function idOf(fileName: string, number: number): string {
  const id = `${fileName.split(/[/\\]/).at(-1)}:${number}`;
  return describeIdProblem(id) === undefined ? id : `rules:${number}`;
}
