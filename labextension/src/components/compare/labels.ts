const LETTER_PX = 6.7; // of 12 px text, on the average

/** A point, its error bar, and what may stand beside it. */
interface IMark {
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly right: number;
  /** What to call it, the best first. */
  readonly names: readonly string[];
}

/** A rectangle of the plot, px from its upper left corner. */
export interface IBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A name and where it stands. */
export interface IPlacedLabel {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** Put each name where it hides nothing, or a shorter one, or none. */
export function placeLabels(
  marks: readonly IMark[],
  others: readonly IBox[],
  widthPx: number,
  heightPx: number
): IPlacedLabel[] {
  const taken = [
    ...others,
    ...marks.flatMap(mark => [
      { left: mark.x - 6, right: mark.x + 6, top: mark.y - 6, bottom: mark.y + 6 },
      { left: mark.left, right: mark.right, top: mark.y - 1, bottom: mark.y + 1 }
    ])
  ];
  const placed: IPlacedLabel[] = [];
  for (const mark of marks) {
    const free = mark.names
      .flatMap(text => candidates(mark, text))
      .find(
        ({ box }) =>
          box.left >= 0 &&
          box.right <= widthPx &&
          box.top >= -12 &&
          box.bottom <= heightPx &&
          !taken.some(other => touches(box, other))
      );
    if (free !== undefined) {
      taken.push(free.box);
      placed.push(free.label);
    }
  }
  return placed;
}

function candidates(mark: IMark, text: string): { label: IPlacedLabel; box: IBox }[] {
  const width = text.length * LETTER_PX;
  const spots = [
    ['middle', 0, -10],
    ['middle', 0, 18],
    ['start', 6, -7],
    ['end', -6, -7],
    ['start', 6, 16],
    ['end', -6, 16],
    ['start', 10, 4],
    ['end', -10, 4]
  ] as const;
  return spots.map(([anchor, dx, dy]) => {
    const [x, y] = [mark.x + dx, mark.y + dy];
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return {
      label: { text, x, y, anchor },
      box: { left, right: left + width, top: y - 10, bottom: y + 3 }
    };
  });
}

function touches(a: IBox, b: IBox): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
