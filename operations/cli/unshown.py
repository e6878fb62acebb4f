"""What a demographic record keeps and no query can show: in words, for `spine pds show`.

Which answer has room for what is told in docs/updates.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.values.demographics import Address, Authority, Birth, Name, Patient


def told(patient: Patient) -> Iterator[str]:
    """Give a line for each thing that is kept and in no answer."""
    yield from _line("asked for by", _body(patient.registered_by))
    yield from _line("ethnic group", patient.ethnic_group)
    if patient.death is not None:
        yield from _line("death registered by", _body(patient.death.authority))
    if patient.organ_donor is not None:
        yield from _line("organs to give", ", ".join(patient.organ_donor.organs))
    for donor in (patient.blood_donor, patient.organ_donor):
        if donor is not None:
            yield from _line("a donor's address", _place(donor.address))
    if patient.birth is not None:
        yield from _birth(patient.birth)


def _birth(birth: Birth) -> Iterator[str]:
    mother = birth.mother
    who = (mother.nhs_number, _called(mother.name))
    yield from _line("mother", " ".join(filter(None, who)))
    yield from _line("mother's practice", mother.practice)
    yield from _line("birth weight in grams", birth.weight)
    yield from _line("gestation in days", birth.gestation)
    yield from _line("children born together", birth.foetuses)
    yield from _line("still birth", birth.still)
    yield from _line("suspected abnormality", birth.abnormality)
    if birth.delivery is not None:
        where = (birth.delivery.name, birth.delivery.site, f"kind {birth.delivery.kind}")
        yield from _line("born at", ", ".join(filter(None, where)))
    yield from _line("birth notified by", _called(birth.notifier))
    yield from _line("child health told", birth.child_health)
    yield from _line("child health that answers", birth.responsible)


def _line(what: str, said: str | None) -> Iterator[str]:
    if said:
        yield f"  {what}: {said}"


def _body(one: Authority | None) -> str:
    if one is None:
        return ""
    parts = (one.organisation, one.person and f"person {one.person}", f"kind {one.kind}")
    return ", ".join(filter(None, parts))


def _place(one: Address | None) -> str:
    return ", ".join(filter(None, (*one.lines, one.postcode))) if one else ""


def _called(one: Name | None) -> str:
    return " ".join(filter(None, (*one.given, one.family))) if one else ""
