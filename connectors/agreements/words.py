"""Programmes and their states in the reader's words; what they are is decided in `service.py`."""

from dataclasses import dataclass
from typing import assert_never

from connectors.agreements.service import FineExchange, OrphansCourt, PoliceLog, Preschool, Programmes
from connectors.kit.pages import translate as _


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    name: str
    state: str
    state_label: str
    detail: str


def programme_rows(programmes: Programmes) -> list[ProgrammeRow]:
    return [
        _fines(programmes),
        _police_log(programmes),
        _preschool(programmes),
        _orphans_court(programmes),
    ]


def _fines(programmes: Programmes) -> ProgrammeRow:
    match programmes.fines:
        case FineExchange.SWITCHING:
            label, detail = (
                _("Switching over"),
                _("The new connection is being prepared; it is not in use yet."),
            )
        case FineExchange.OLD:
            label, detail = _("Old solution"), _("Payments of fines reach CSDD through the old connection.")
        case FineExchange.FORMER:
            label, detail = (
                _("Used before"),
                _("Payments of fines were exchanged with CSDD, and no longer are."),
            )
        case FineExchange.MANUAL:
            label, detail = _("By hand"), _("Employees enter payments of fines at CSDD themselves.")
        case _:
            assert_never(programmes.fines)
    remarks = [detail]
    if programmes.fines_known_problems:
        remarks.append(_("Problems with it are known."))
    if programmes.fines_inferred:
        remarks.append(_("The state has not been confirmed."))
    return ProgrammeRow(_("Fines: exchange with CSDD"), programmes.fines.value, label, " ".join(remarks))


def _police_log(programmes: Programmes) -> ProgrammeRow:
    match programmes.police_log:
        case PoliceLog.IN_USE if programmes.free_vehicle_lookup:
            label, detail = _("In use"), _("Looking up vehicles at CSDD is free of charge.")
        case PoliceLog.IN_USE:
            label, detail = _("In use"), _("Looking up vehicles at CSDD is paid for.")
        case PoliceLog.NOT_USED:
            label, detail = _("Not used"), _("The municipal police does not look up vehicles through it.")
        case _:
            assert_never(programmes.police_log)
    return ProgrammeRow(_("Municipal police event log (ENŽ)"), programmes.police_log.value, label, detail)


def _preschool(programmes: Programmes) -> ProgrammeRow:
    match programmes.preschool:
        case Preschool.MOVES_TO_STATE:
            label, detail = (
                _("Moves to the state"),
                _("From 1 January 2026 the queue is kept in the state's system."),
            )
        case Preschool.NOT_LISTED:
            label, detail = _("Not planned"), _("The municipality is not among those that move their queue.")
        case _:
            assert_never(programmes.preschool)
    return ProgrammeRow(_("Preschool queue (PII)"), programmes.preschool.value, label, detail)


def _orphans_court(programmes: Programmes) -> ProgrammeRow:
    match programmes.orphans_court:
        case OrphansCourt.STAGE_3_MISSING:
            label, detail = _("Stage 3 is missing"), _("Without it nothing can be passed on to UGF and VSAA.")
        case OrphansCourt.NOT_REPORTED_MISSING:
            label, detail = (
                _("Exchange is possible"),
                _("Stage 3 is not reported missing, so UGF and VSAA can be told."),
            )
        case _:
            assert_never(programmes.orphans_court)
    return ProgrammeRow(_("Orphans' court register (BARIS)"), programmes.orphans_court.value, label, detail)
