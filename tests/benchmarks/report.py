"""The table: what was measured beside what it may be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """Seconds of processor time, of this very run."""

    signature: float
    flask_in_process: float
    flask_served: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds of processor time for each request, and what is asked of the one in process."""

    name: str
    in_process: float
    signatures: float | None = None
    """How many raw ones take as long, where they were measured in turns with it."""
    served: float | None = None
    target: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something else about the server."""

    name: str
    measured: str
    target: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    baselines: Baselines
    costs: Sequence[Cost]
    facts: Sequence[Fact]
    directories: Sequence[Fact] = ()


_COST_HEAD = (
    *("CPU for each", "in process, µs", "÷ raw ES256", "÷ bare Flask", "granian, µs", "÷ bare Flask"),
    *("target in process", ""),
)
_FACT_HEAD = ("Server with two workers", "measured", "target", "")
_DIRECTORY_HEAD = ("By the clock", "measured", "target", "")


def table(measured: Measured) -> str:
    costs = [_cost_row(cost, measured.baselines) for cost in measured.costs]
    facts = [_fact_row(fact) for fact in measured.facts]
    by_clock = [_fact_row(fact) for fact in measured.directories]
    tables = (_rows(_COST_HEAD, costs), _rows(_FACT_HEAD, facts), _rows(_DIRECTORY_HEAD, by_clock))
    return "\n\n".join(tables)


def missed(measured: Measured) -> list[str]:
    return [
        row.name for row in (*measured.costs, *measured.facts, *measured.directories) if row.is_met is False
    ]


def _fact_row(fact: Fact) -> tuple[str, ...]:
    return fact.name, fact.measured, fact.target or "–", _verdict(fact.is_met)


def _cost_row(cost: Cost, baselines: Baselines) -> tuple[str, ...]:
    return (
        cost.name,
        _microseconds(cost.in_process),
        _number(cost.signatures or cost.in_process / baselines.signature),
        _times(cost.in_process, baselines.flask_in_process),
        _microseconds(cost.served),
        _times(cost.served, baselines.flask_served),
        cost.target or "–",
        _verdict(cost.is_met),
    )


def _microseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1e6:.0f}"


def _times(seconds: float | None, base: float) -> str:
    return "–" if seconds is None else _number(seconds / base)


def _number(value: float) -> str:
    return f"{value:.1f}"


def _verdict(is_met: bool | None) -> str:
    return "" if is_met is None else "met" if is_met else "missed"


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    ruler = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows))
