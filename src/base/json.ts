/** A JSON object of which nothing is known but that it is one. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is an object and neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
