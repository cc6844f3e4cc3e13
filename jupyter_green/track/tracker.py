"""The tracker: one for each process that measures; it opens and closes windows and makes records of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count

from jupyter_green.meter.meter import Keeper, Meter
from jupyter_green.meter.power import ATTRIBUTED, FIXED, HIGH, LOW, OTHERS_S, OWN_S, Flag
from jupyter_green.records import CellRecord, End, Intensity, Kind, Session, Status, Step
from jupyter_green.settings import Settings
from jupyter_green.track.figures import between_of, co2e_of, energy_of, notes_of, quality_of, scale
from jupyter_green.track.journal import Journal
from jupyter_green.track.lines import Lines
from jupyter_green.track.noted import Noted
from jupyter_green.track.window import NO_OPTIONS, Options, Stopped, Window
from jupyter_green.units import co2e_g, cost

_ENDED_EARLY = "went on after its cell, or into another one: it is measured to there"
_UNENDED = "its end was not seen, so it reaches to the session's end"


class Tracker:
    """Records of one session.

    Args:
        session: What the records belong to.
        settings: PUE, price and the like.
        meter: Measures this session's process tree.
        journal: Where the records go.
        intensity: The session's carbon intensity; None if it could not be told.
        on_record: Called with each record after it was appended.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        meter: Meter,
        journal: Journal,
        intensity: Intensity | None,
        on_record: Callable[[CellRecord], None] | None = None,
    ) -> None:
        self.session, self.settings, self.meter, self.journal = session, settings, meter, journal
        self.intensity = intensity
        self._last: CellRecord | Noted | None = None
        self.meter_cpu_s: float | None = None  # that measuring the cell before took, s, where a door timed it
        self._on_record = on_record
        self._numbers = count(1)
        self._is_used = False
        self._starting = threading.Lock()
        self._windows: dict[Hashable, Window] = {}
        self._keeper: Keeper | None = None

    @property
    def last(self) -> CellRecord | None:
        """The newest record of a cell or block."""
        return self._last.record if type(self._last) is Noted else self._last

    @property
    def is_inert(self) -> bool:
        """True in a forked child: its CPU time is counted by the parent, and it writes nothing."""
        return self.meter.is_inert

    def open(
        self,
        key: Hashable,
        *,
        kind: Kind = "cell",
        cell_id: str | None = None,
        execution_count: int | None = None,
        code: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> None:
        """Open a window; what this thread uses from now on is its own."""
        if self._keeper is None:
            with self._starting:
                if self._keeper is None:
                    self._keeper = Keeper(self.meter, self.journal.sync)
        if self._windows:
            if kind == "cell":
                self._end_blocks()
            around = self._windows.get(self.newest_open())
            if around is not None and around.options.stays:  # what is in a cell that stays stays with it
                options = replace(options, stays=True, target=None)
        record_id = f"{self.session.session_id}-{next(self._numbers)}"
        self._is_used = True
        self._windows[key] = Window(record_id, kind, cell_id, execution_count, code, options)
        self.meter.open(key)

    def stop(self, key: Hashable) -> Stopped | None:
        """Close a window, in any order, without a record yet; None if it was not open.

        It can be called again until `write`, for the sake of whoever is interrupted on the way.
        """
        window = self._windows.get(key)
        if window is not None and window.kind == "cell" and len(self._windows) > 1:
            self._end_blocks(key)
        measured = self.meter.close(key)
        if measured is None or window is None:
            return None
        if window.part_of is None and measured.around in self._windows:
            window.part_of = self._windows[measured.around].record_id
        return Stopped(key, window, measured, window.part_of)

    def _end_blocks(self, cell: Hashable | None = None) -> None:
        """End blocks of this thread that are open inside a cell, or without one those that are in no cell.

        A generator or a task may hold a block open for ever; the cells after it would be its parts.
        """
        mine = [key for key in self.meter.open_in(threading.get_native_id()) if key in self._windows]
        cells = [number for number, key in enumerate(mine) if self._windows[key].kind == "cell"]
        if cell is not None:
            mine = mine[mine.index(cell) + 1 :] if cell in mine else []
        elif cells:
            return
        for key in reversed(mine):
            if self._windows[key].kind == "block":
                self._windows[key].notes.append(_ENDED_EARLY)
                self.stop(key)

    def write(self, stopped: Stopped, record: CellRecord) -> CellRecord:
        """Append the record of a closed window; one that is not on disk says so."""
        problem = self.journal.append(record)
        if problem is not None:
            record = replace(record, notes=(*record.notes, problem))
        self._windows.pop(stopped.key, None)
        self.meter.forget(stopped.key)
        if record.kind != "scoring":
            self._last = record
        if self._on_record is not None:
            self._on_record(record)
        return record

    def note(self, stopped: Stopped, status: Status) -> Noted | None:
        """Write the line of a closed cell that has nothing but numbers to say; its record is made when looked at.

        Returns:
            None if the cell has more to say; then it takes `record` and `write`.
        """
        lines = self.journal.lines
        if lines is None or not self._is_plain(stopped, lines.first):
            return None
        window, measured = stopped.window, stopped.measured
        intensity, pue = self.intensity, self.settings.pue
        assert intensity is not None
        if window.gap is None:
            window.gap = self.meter.take_between()
        amounts, gap = measured.amounts, window.gap.amounts
        is_other = gap[HIGH] and (window.gap.flags ^ measured.flags) & Flag.MODELLED
        if is_other or window.gap.flags & Flag.CPU_UNKNOWN:
            return None
        value, low, high, duration_s = scale(measured)
        line = lines.plain(
            window.record_id,
            window.cell_id,
            window.count,
            window.code,
            window.started_at,
            status,
            amounts[FIXED:],
            (value, low, high, duration_s, amounts[OWN_S], amounts[OTHERS_S]),
            notes_of(measured.flags),
            co2e_g(value, intensity.g_per_kwh, pue),
            co2e_g(low, intensity.low, pue),
            co2e_g(high, intensity.high, pue),
            (gap[ATTRIBUTED], gap[LOW], gap[HIGH], gap[OWN_S]),
            self.meter_cpu_s,
        )
        problem = self.journal.append_line(line)
        self.meter_cpu_s = None
        self._windows.pop(stopped.key, None)
        self.meter.forget(stopped.key)
        noted = self._last = Noted(partial(_read, lines, line, problem))
        return noted

    def _is_plain(self, stopped: Stopped, first: CellRecord) -> bool:
        """Tell whether a cell differs from the session's first record in its numbers alone, and all are known."""
        window, flags = stopped.window, stopped.measured.flags
        return (
            window.options is NO_OPTIONS
            and stopped.part_of is None
            and not window.steps
            and not window.notes
            and not flags & (Flag.CPU_UNKNOWN | Flag.SENSOR_LOST | Flag.DELTA_DROPPED | Flag.SLEPT)
            and first.energy.quality == quality_of(flags)
            and sum(stopped.measured.amounts) >= 0  # none of them is NaN
            and self.intensity is not None
            and first.intensity is self.intensity
            and first.price_per_kwh is None
            and first.mlflow is None
        )

    def newest_open(self) -> Hashable | None:
        """Return the innermost window of the calling thread, or None."""
        found = self.meter.open_in(threading.get_native_id())
        return found[-1] if found else None

    def step(self, number: int | None, metrics: Mapping[str, float | None]) -> Step | None:
        """Note the energy so far of the calling thread's innermost window; None if there is none, or it is unknown."""
        key = self.newest_open()
        measured = None if key is None else self.meter.peek(key)
        if key is None or measured is None or measured.flags & Flag.CPU_UNKNOWN:
            return None
        steps = self._windows[key].steps
        number = (steps[-1].step + 1 if steps else 0) if number is None else number
        step = Step(step=number, at=datetime.now(UTC), energy_j=measured.amounts[ATTRIBUTED], metrics=dict(metrics))
        steps.append(step)
        return step

    def record(
        self,
        stopped: Stopped,
        status: Status = "ok",
        metrics: Mapping[str, float | None] | None = None,
        notes: Sequence[str] = (),
    ) -> CellRecord:
        """Make the record of a closed window; what was used since the record before goes with it."""
        window, options, settings, session = stopped.window, stopped.window.options, self.settings, self.session
        energy = energy_of(stopped.measured, self.meter.source)
        intensity = None if options.intensity == "unknown" else options.intensity or self.intensity
        if window.gap is None and stopped.part_of is None:
            window.gap = self.meter.take_between()
        between = None if window.gap is None else between_of(window.gap, energy.quality)
        spent, self.meter_cpu_s = self.meter_cpu_s, None
        pue, price = settings.pue, settings.price_per_kwh
        co2e = co2e_of(energy, intensity, pue)
        return CellRecord(
            record_id=window.record_id,
            session_id=session.session_id,
            kind=window.kind,
            part_of=stopped.part_of,
            notebook=session.notebook,
            kernel_id=session.kernel_id,
            cell_id=window.cell_id,
            execution_count=window.count,
            code=window.code,
            name=options.name,
            phase=options.phase,
            started_at=datetime.fromtimestamp(window.started_at, UTC),
            status=status,
            energy=energy,
            intensity=intensity,
            pue=pue,
            co2e_g=co2e[0],
            co2e_low_g=co2e[1],
            co2e_high_g=co2e[2],
            price_per_kwh=price,
            cost=None if price is None or energy.attributed_j is None else cost(energy.attributed_j, price, pue),
            currency=None if price is None else settings.currency,
            metrics=metrics or {},
            parameters=session.parameters,
            tags=options.tags,
            mlflow=options.target,
            between_j=between,
            steps=tuple(window.steps),
            meter_cpu_s=spent,
            stays=options.stays,
            notes=_masked((*window.notes, *notes)),
        )

    def _write_unended(self, key: Hashable) -> None:
        stopped = self.stop(key)
        if stopped is not None:
            notes = () if _ENDED_EARLY in stopped.window.notes else (_UNENDED,)
            self.write(stopped, self.record(stopped, "unknown", notes=notes))

    def end(self, status: Status = "ok") -> None:
        """Write what is still open, and the session's last line; only if it has written any."""
        if self.is_inert:
            return
        for key in reversed(list(self._windows)):
            self._write_unended(key)
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None
        if self._is_used:
            self.meter.tick()
            spent, self.meter_cpu_s = self.meter_cpu_s, None
            end = End(
                at=datetime.now(UTC),
                status=status,
                between_j=between_of(self.meter.take_between(), None),
                meter_cpu_s=spent,
            )
            self.journal.append_end(end)
        self.journal.sync()
        self.journal.close()
        self.meter.close_down()
        self._windows.clear()


def _masked(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Return notes without secrets: they may hold the text of a user's error."""
    if not notes:
        return ()
    from jupyter_green.track.secrets import mask_text

    return tuple(mask_text(note) for note in notes)


def _read(lines: Lines, line: bytes, problem: str | None) -> CellRecord:
    record = lines.read(line)
    return record if problem is None else replace(record, notes=(*record.notes, problem))
