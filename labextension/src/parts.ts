// A line's text in parts: where it is too long it goes on in another line between two parts, not within one.

/** Put the mark, and a name if there is one, before the first part. */
export function marked(parts: readonly string[], name: string | null): string[] {
  const [first = '', ...others] = parts;
  return [name === null ? `⚡ ${first}` : `⚡ ${name}: ${first}`, ...others];
}

/** The text that the nodes of these parts have. */
export function partsText(parts: readonly string[]): string {
  return parts.join(' · ');
}

/** The parts as nodes; the dot behind a part hangs in the margin where a line ends with it. */
export function partNodes(parts: readonly string[]): Node[] {
  const row = document.createElement('span');
  row.className = 'jp-green-parts';
  parts.forEach((text, index) => {
    const part = document.createElement('span');
    part.className = 'jp-green-line-part';
    part.textContent = text;
    if (index < parts.length - 1) {
      const dot = document.createElement('span');
      dot.className = 'jp-green-dot';
      dot.textContent = ' ·';
      part.append(dot);
      row.append(part, ' ');
    } else {
      row.append(part);
    }
  });
  return parts.length === 0 ? [] : [row];
}
