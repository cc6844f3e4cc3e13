import type { TranslationBundle } from '@jupyterlab/translation';
import { memo, useMemo, useRef, useState, type KeyboardEvent } from 'react';

import { energyBrief, energyText } from '../amounts';
import { changeText, recordBrief } from '../recordText';
import type { CellRecord, CellState } from '../wire';

import { Quiet } from './Quiet';

export interface ICellRow {
  readonly cellId: string;
  /** `[n]`, n as the notebook shows it; null: not known. */
  readonly number: string | null;
  /** What a reader knows the cell by: its name, or a line of its code; null: not known any more. */
  readonly title: string | null;
  readonly cell: CellState;
  /** false: the notebook has this cell no longer. */
  readonly isHere: boolean;
}

export interface ICellsPanelProps {
  readonly rows: readonly ICellRow[];
  readonly onJump: (cellId: string) => void;
  readonly trans: TranslationBundle;
}

/** The cells of a notebook, the heaviest in all its runs first; what is not known comes last. */
export function CellsPanel({ rows, onJump, trans }: ICellsPanelProps) {
  const [filter, setFilter] = useState('');
  const sorted = useMemo(() => [...rows].sort(heavierFirst), [rows]);
  const heaviest = sorted.find(row => row.isHere)?.cell.all_j ?? 0;
  const wanted = filter.trim().toLowerCase();
  const hits = useMemo(
    () =>
      wanted === '' ? sorted : sorted.filter(row => textOf(row).toLowerCase().includes(wanted)),
    [sorted, wanted]
  );
  if (rows.length === 0) {
    return (
      <div className="jp-green-panel">
        <Quiet>{trans.__('No cell of this notebook was measured yet.')}</Quiet>
      </div>
    );
  }
  const here = hits.filter(row => row.isHere);
  const gone = hits.filter(row => !row.isHere);
  return (
    <div className="jp-green-panel">
      <div className="jp-green-filter">
        <input
          type="search"
          className="jp-green-input"
          aria-label={trans.__('Filter cells')}
          placeholder={trans.__('Filter cells')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
        <span className="jp-green-beside" role="status">
          {wanted === '' ? '' : trans.__('%1 of %2', hits.length, rows.length)}
        </span>
      </div>
      {hits.length === 0 && <Quiet>{trans.__('No cell has this in its title.')}</Quiet>}
      {here.length > 0 && <Jumps rows={here} heaviest={heaviest} onJump={onJump} trans={trans} />}
      {gone.length > 0 && (
        <section aria-label={trans.__('No longer in this notebook')}>
          <h3 className="jp-green-heading">{trans.__('No longer in this notebook')}</h3>
          <ul className="jp-green-list">
            {gone.map(row => (
              <li key={row.cellId} className="jp-green-item">
                <div className="jp-green-cell">
                  <CellText row={row} heaviest={null} trans={trans} />
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function textOf({ number, title }: ICellRow): string {
  return [number, title].filter(part => part !== null).join(' ');
}

function heavierFirst(a: ICellRow, b: ICellRow): number {
  const [left, right] = [a.cell.all_j, b.cell.all_j];
  if (left === null || right === null) {
    return Number(left === null) - Number(right === null);
  }
  return right - left;
}

interface IJumpsProps extends ICellsPanelProps {
  readonly heaviest: number;
}

/** One stop for the Tab key; arrows go from cell to cell. */
function Jumps({ rows, heaviest, onJump, trans }: IJumpsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [entered, setEntered] = useState<string | null>(null);
  const stop = rows.some(row => row.cellId === entered) ? entered : rows[0]?.cellId;

  const onKeyDown = (event: KeyboardEvent): void => {
    const buttons = Array.from(list.current?.querySelectorAll('button') ?? []);
    const at = buttons.findIndex(button => button === event.target);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1
    }[event.key];
    const button = to === undefined ? undefined : buttons[to];
    if (button !== undefined) {
      event.preventDefault();
      button.focus();
    }
  };

  return (
    <ul className="jp-green-list" ref={list} onKeyDown={onKeyDown}>
      {rows.map(row => (
        <Jump
          key={row.cellId}
          row={row}
          heaviest={heaviest}
          isStop={row.cellId === stop}
          onEnter={setEntered}
          onJump={onJump}
          trans={trans}
        />
      ))}
    </ul>
  );
}

interface IJumpProps {
  readonly row: ICellRow;
  readonly heaviest: number;
  readonly isStop: boolean;
  readonly onEnter: (cellId: string) => void;
  readonly onJump: (cellId: string) => void;
  readonly trans: TranslationBundle;
}

const Jump = memo(function Jump({ row, heaviest, isStop, onEnter, onJump, trans }: IJumpProps) {
  return (
    <li className="jp-green-item">
      <button
        type="button"
        className="jp-green-cell"
        tabIndex={isStop ? 0 : -1}
        onFocus={() => onEnter(row.cellId)}
        onClick={() => onJump(row.cellId)}
      >
        <CellText row={row} heaviest={heaviest} trans={trans} />
      </button>
    </li>
  );
});

interface ICellTextProps {
  readonly row: ICellRow;
  /** What a whole bar is, J; null: no bar is drawn, as of a cell that is gone. */
  readonly heaviest: number | null;
  readonly trans: TranslationBundle;
}

const CellText = memo(function CellText({ row, heaviest, trans }: ICellTextProps) {
  const { record, runs, change, all_j, all_low_j, all_high_j } = row.cell;
  const last = recordBrief(record, trans);
  const { amount, beside } = runs > 1 ? energyBrief(all_j, all_low_j, all_high_j, trans) : last;
  const more = [
    beside,
    runs > 1 ? trans.__('%1 runs, the last %2', runs, last.amount) : '',
    changeText(change, trans),
    statusText(record, trans)
  ].filter(text => text !== null && text !== '');
  const share =
    all_j === null || heaviest === null || heaviest <= 0 ? 0 : Math.max(0, all_j) / heaviest;
  return (
    <>
      <span className="jp-green-cell-head">
        <span className="jp-green-cell-title" title={textOf(row)}>
          {row.number !== null && (
            <>
              <span className="jp-green-cell-number">{row.number}</span>{' '}
            </>
          )}
          {row.title}
        </span>
        <span
          className={all_j === null ? 'jp-green-unknown' : 'jp-green-amount'}
          title={energyText(all_j, all_low_j, all_high_j, trans)}
        >
          {amount}
        </span>
      </span>
      {heaviest !== null && (
        <span className="jp-green-bar" aria-hidden="true">
          {all_j !== null && (
            <span
              className="jp-green-bar-value"
              style={{ width: `${(100 * share).toFixed(2)}%` }}
            />
          )}
        </span>
      )}
      {more.length > 0 && <span className="jp-green-cell-more">{more.join(' · ')}</span>}
    </>
  );
});

function statusText(record: CellRecord, trans: TranslationBundle): string {
  switch (record.status) {
    case 'error':
      return trans.__('failed');
    case 'interrupted':
      return trans.__('interrupted');
    default:
      return '';
  }
}
