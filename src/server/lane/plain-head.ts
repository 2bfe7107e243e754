/**
 * The head of a plain answer as a flat list of names and values, one list for all answers of a second.
 *
 * @param now milliseconds since the epoch, for the `date` header.
 */
export function createPlainHead(headers: Readonly<Record<string, string>>, now: () => number) {
  let second = Number.NaN;
  let list: string[] = [];
  return (): readonly string[] => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      const date = new Date(current * 1000).toUTCString();
      list = [':status', '200', ...Object.entries(headers).flat(), 'date', date];
    }
    return list;
  };
}
