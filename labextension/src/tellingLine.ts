const IMPORT = /^(import|from)\s/;
const OWN_MAGIC = '%%track_energy';

/** The line of a cell that tells it from others: the first that is no import, comment or magic, if there is one. */
export function tellingLine(source: string): string | null {
  const lines = source
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith(OWN_MAGIC));
  let isInImport = false;
  const telling = lines.find(line => {
    if (isInImport || IMPORT.test(line)) {
      // Names in parentheses go on in the lines below.
      isInImport = isInImport ? !line.includes(')') : line.includes('(') && !line.includes(')');
      return false;
    }
    return !line.startsWith('#') && !line.startsWith('%');
  });
  return telling ?? lines[0] ?? null;
}
