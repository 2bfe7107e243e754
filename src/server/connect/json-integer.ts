import { ScalarType } from '@bufbuild/protobuf';

/** A number of a JSON text as it is written: as a number it may have been rounded. */
export class NumberLiteral {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

type Range = readonly [min: bigint, max: bigint];

const int32: Range = [-(2n ** 31n), 2n ** 31n - 1n];
const uint32: Range = [0n, 2n ** 32n - 1n];
const int64: Range = [-(2n ** 63n), 2n ** 63n - 1n];
const uint64: Range = [0n, 2n ** 64n - 1n];

const ranges: ReadonlyMap<ScalarType, Range> = new Map([
  [ScalarType.INT32, int32],
  [ScalarType.SINT32, int32],
  [ScalarType.SFIXED32, int32],
  [ScalarType.UINT32, uint32],
  [ScalarType.FIXED32, uint32],
  [ScalarType.INT64, int64],
  [ScalarType.SINT64, int64],
  [ScalarType.SFIXED64, int64],
  [ScalarType.UINT64, uint64],
  [ScalarType.FIXED64, uint64],
]);

/** Whether fields of this type are integers. */
export function isIntegerType(type: ScalarType): boolean {
  return ranges.has(type);
}

/**
 * What an integer field must be, when the value is something else. Text is digits with or without a minus:
 * JavaScript's own reading takes `0x10`, `+5`, ` 5 ` and an empty text as well.
 *
 * @param wanted in the place of the range of the type.
 */
export function describeIntegerProblem(
  type: ScalarType,
  value: unknown,
  wanted: string | undefined,
): string | undefined {
  const [min, max] = ranges.get(type) ?? int64;
  const integer = readInteger(value);
  return integer !== undefined && integer >= min && integer <= max
    ? undefined
    : (wanted ?? `a whole number from ${min} to ${max} in decimal digits`);
}

function readInteger(value: unknown): bigint | undefined {
  if (typeof value === 'string') {
    return /^-?\d+$/.test(value) ? BigInt(value) : undefined;
  }
  return value instanceof NumberLiteral ? readLiteral(value.source) : undefined;
}

/** JSON's numbers may have a fraction or an exponent; protobuf takes those that are whole. */
function readLiteral(source: string): bigint | undefined {
  const [, whole, fraction = '', exponent = '0'] =
    /^(-?\d+)(?:\.(\d*?)0*)?(?:[eE]\+?(\d{1,2}))?$/.exec(source) ?? [];
  return whole === undefined || fraction.length > Number(exponent)
    ? undefined
    : BigInt(whole + fraction.padEnd(Number(exponent), '0'));
}
