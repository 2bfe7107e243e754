import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { nearestName } from '../../base/near-name.ts';
import { quote } from '../../base/quote.ts';
import type { FieldViolation } from '../../payment/errors.ts';
import { describeIntegerProblem, isIntegerType, NumberLiteral } from './json-integer.ts';

/**
 * What the value of a field must be, in words that stand after "must be"; by the full name of the field,
 * such as `common.v1.Money.amount`. For a message it is an example.
 */
export type FieldHints = Readonly<Record<string, string>>;

/** Longest part of a request that a message repeats, in characters. */
const maxQuotedLength = 40;

interface Checking {
  readonly hints: FieldHints;
  readonly violations: FieldViolation[];
}

/**
 * What protobuf's JSON decoder refuses of a request, or takes although it should not, told by field: unknown
 * fields and enum values, wrong types, and numbers that are anything but decimal digits. Empty when nothing
 * is found, which does not mean that the decoder takes it: it also refuses what is no JSON.
 */
export function findJsonMistakes(
  message: DescMessage,
  text: string,
  hints: FieldHints,
): readonly FieldViolation[] {
  const checking: Checking = { hints, violations: [] };
  const json = parseWithLiterals(text);
  if (isJsonObject(json)) {
    checkFields(checking, message, json, '');
  }
  return checking.violations;
}

/** Numbers that are not written as plain integers come as `NumberLiteral`, others as they are. */
function parseWithLiterals(text: string): unknown {
  try {
    // The types of the language's release that knows the third argument are not in use here.
    const parsed: unknown = JSON.parse(text, (...[, value, context]: unknown[]) =>
      typeof value === 'number' && isJsonObject(context) && typeof context['source'] === 'string'
        ? new NumberLiteral(context['source'])
        : value,
    );
    return parsed;
  } catch {
    return undefined; // The decoder reports it.
  }
}

function checkFields(checking: Checking, message: DescMessage, json: JsonObject, path: string): void {
  for (const [key, value] of Object.entries(json)) {
    const field = message.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) {
      checking.violations.push({
        field: path + unquoted(key),
        description: describeUnknownField(key, message),
      });
    } else if (value !== null) {
      checkField(checking, field, value, path + field.name);
    }
  }
}

/** Lists, protobuf's own types and maps of messages are left to the decoder; no request has any. */
function checkField(checking: Checking, field: DescField, value: unknown, path: string): void {
  const hint = checking.hints[`${field.parent.typeName}.${field.name}`];
  if (isJsonObject(value) && !(value instanceof NumberLiteral)) {
    if (field.fieldKind === 'message') {
      if (!field.message.typeName.startsWith('google.protobuf.')) {
        checkFields(checking, field.message, value, `${path}.`);
      }
      return;
    }
    if (field.fieldKind === 'map') {
      checkEntries(checking, field, value, path);
      return;
    }
  }
  noteProblem(checking, describeProblem(field, value, hint), value, path);
}

/** What a map holds: its keys are any text here. */
function checkEntries(
  checking: Checking,
  field: DescField & { readonly fieldKind: 'map' },
  entries: JsonObject,
  path: string,
): void {
  if (field.mapKind === 'scalar') {
    for (const [key, value] of Object.entries(entries)) {
      const wanted = describeScalarProblem(field.scalar, value, undefined);
      noteProblem(checking, wanted, value, `${path}[${quote(key, maxQuotedLength)}]`);
    }
  }
}

function noteProblem(checking: Checking, wanted: string | undefined, value: unknown, path: string): void {
  if (wanted !== undefined) {
    checking.violations.push({ field: path, description: `must be ${wanted}, not ${nameValue(value)}` });
  }
}

/** What the value must be, when it is something else. */
function describeProblem(field: DescField, value: unknown, hint: string | undefined): string | undefined {
  switch (field.fieldKind) {
    case 'scalar':
      return describeScalarProblem(field.scalar, value, hint);
    case 'enum':
      return describeEnumProblem(field.enum, value, hint);
    case 'message':
    case 'map':
      return `an object${hint === undefined ? '' : `: ${hint}`}`;
    case 'list':
      return undefined;
  }
}

function describeScalarProblem(
  type: ScalarType,
  value: unknown,
  hint: string | undefined,
): string | undefined {
  if (isIntegerType(type)) {
    return describeIntegerProblem(type, value, hint);
  }
  if (type === ScalarType.STRING) {
    return typeof value === 'string' ? undefined : (hint ?? 'text in quotation marks');
  }
  return type !== ScalarType.BOOL || typeof value === 'boolean' ? undefined : (hint ?? 'true or false');
}

function describeEnumProblem(type: DescEnum, value: unknown, hint: string | undefined): string | undefined {
  const wanted = hint ?? `one of ${type.values.map(({ name, number }) => `${name} (${number})`).join(', ')}`;
  if (typeof value !== 'string') {
    return describeIntegerProblem(ScalarType.INT32, value, wanted);
  }
  if (type.values.some(({ name }) => name === value)) {
    return undefined;
  }
  const meant = nearestValue(type, value);
  return meant === undefined ? wanted : `${wanted} (did you mean ${meant}?)`;
}

/** In any letter case, and also by the part of its name that tells it from the others: `fail`, `FAILED`. */
function nearestValue({ values }: DescEnum, text: string): string | undefined {
  const given = text.toUpperCase();
  const wholeNames = values.map(({ name }) => name);
  const ownNames = values.map(({ localName }) => localName);
  const near = ownNames.includes(given)
    ? given
    : (nearestName(given, ownNames) ?? nearestName(given, wholeNames) ?? given);
  return values.find(({ name, localName }) => name === near || localName === near)?.name;
}

function describeUnknownField(key: string, message: DescMessage): string {
  const names = message.fields.map(({ name }) => name);
  const meant = nearestName(
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    names,
  );
  return meant === undefined
    ? `is no field of ${message.name}, which has ${names.length === 0 ? 'none' : names.join(', ')}`
    : `is no field of ${message.name}; did you mean ${meant}?`;
}

function nameValue(value: unknown): string {
  if (value instanceof NumberLiteral) {
    return value.source.slice(0, maxQuotedLength);
  }
  return typeof value === 'object' && value !== null
    ? Array.isArray(value)
      ? 'a list'
      : 'an object'
    : quote(value, maxQuotedLength);
}

function unquoted(key: string): string {
  return quote(key, maxQuotedLength).replace(/^"|"$/g, '');
}
