/**
 * What a .dockerignore keeps out of the build. The last pattern that matches a path, or a folder
 * above it, decides; `!` lets in again. `*`, `?` and `**` are understood, character classes are not.
 *
 * @returns whether a path, relative to the context and with slashes, is kept out.
 */
export function readDockerignore(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keepsOut: !line.startsWith('!'), regex: toRegex(line.replace(/^!/, '')) }));
  return (path) => {
    const parts = path.split('/');
    const withParents = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    return (
      patterns.findLast(({ regex }) => withParents.some((candidate) => regex.test(candidate)))?.keepsOut ??
      false
    );
  };
}

function toRegex(pattern: string): RegExp {
  if (/[[\]\\]/.test(pattern)) {
    throw new Error(`.dockerignore: character classes and escapes are not understood: ${pattern}`);
  }
  const source = pattern
    .replace(/^\.?\//, '')
    .replace(/\/$/, '')
    .replace(/[.+^${}()|]/g, String.raw`\$&`)
    .replace(/\*\*\/|\*\*|\*|\?/g, (wild) =>
      wild === '**/' ? '(?:.*/)?' : wild === '**' ? '.*' : wild === '*' ? '[^/]*' : '[^/]',
    );
  return new RegExp(`^${source}$`);
}
