"""What is asked of the mini services in tests and recordings, and the code that it gets.

The people are those of fixtures/records/smsp.toml, who exist nowhere.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from smsp_asking import BY_NUMBER, BY_SEARCH, DETAILS, FITTING, NUMBER, PARAMETERS, VERIFY, Asked

from legacy_contracts.smsp.codes import Code

NUMBERED: Final = (VERIFY, BY_NUMBER, DETAILS)
SEARCHED: Final = (NUMBER, BY_SEARCH, DETAILS)

EDITH: Final = Asked(
    birth_date="19500203",
    gender="2",
    nhs_number="9990000018",
    family="O'CARTER & DAY",
    given="EDITH",
    postcode="LS1 1AA",
)


class Case(Struct, frozen=True):
    """A question with the code of its answer; `name` says what happens."""

    operation: str
    name: str
    asked: Asked
    code: Code
    certificate_name: str = "client.spine.test"

    @property
    def id(self) -> str:
        """The case as a test shows it."""
        return f"{self.operation}/{self.name}"


def _fitting(operation: str, asked: Asked, without: frozenset[str] = frozenset()) -> Asked:
    """Give what of a question an operation may ask."""
    gone = {one: None for one in PARAMETERS if one not in FITTING[operation] or one in without}
    gone.pop("scheme", None)
    gone.pop("root", None)
    return replace(asked, **gone)  # type: ignore[arg-type]


def _each(
    operations: tuple[str, ...],
    name: str,
    asked: Asked,
    code: Code,
    without: frozenset[str] = frozenset(),
) -> list[Case]:
    return [Case(one, name, _fitting(one, asked, without), code) for one in operations]


_NO_NUMBER: Final = frozenset(("nhs_number",))
_NUMBER_ALONE: Final = frozenset(("gender", "local", "family", "given", "postcode"))


def _by_number(name: str, asked: Asked, code: Code) -> list[Case]:
    """Give the operations that ask by number, asking with these details."""
    return _each(NUMBERED, name, asked, code)


def _by_search(name: str, asked: Asked, code: Code) -> list[Case]:
    """Give the operations that ask by details, asking with these and no number."""
    return _each(SEARCHED, name, asked, code, _NO_NUMBER)


def _alone(name: str, number: str, code: Code, birth_date: str = "19500203") -> list[Case]:
    """Give the operations that ask by number, asking with it and a birth date."""
    asked = Asked(birth_date=birth_date, nhs_number=number)
    return _each(NUMBERED, name, asked, code)


ALL: Final = tuple(FITTING)
HIDDEN: Final = Asked(
    birth_date="19610716", gender="1", nhs_number="9990000042", family="HIDDEN", given="HENRY"
)
LATE: Final = Asked(birth_date="19380101", gender="1", nhs_number="9990000050", family="LATE")
TWIN: Final = Asked(birth_date="19900909", gender="2", family="TWIN", nhs_number="9990000069")
LOCAL: Final = Asked(birth_date="19500203", local="H123456")

CASES: Final[tuple[Case, ...]] = (
    *_by_number("single-match", EDITH, Code.SUCCESS),
    *_by_search("single-match-by-search", EDITH, Code.SUCCESS),
    *_alone("birth-date-alone", "9990000018", Code.SUCCESS),
    *_by_search(
        "without-given-name-and-postcode",
        replace(EDITH, given=None, postcode=None),
        Code.SUCCESS,
    ),
    *_by_search("name-in-small-letters", replace(EDITH, family="o'carter & day"), Code.SUCCESS),
    *_by_search("postcode-without-space", replace(EDITH, postcode="ls11aa"), Code.SUCCESS),
    *_by_number("restricted", HIDDEN, Code.SUCCESS),
    *_by_search("restricted-by-search", HIDDEN, Code.SUCCESS),
    *_by_number("deceased", LATE, Code.SUCCESS),
    *_by_search("deceased-by-search", LATE, Code.SUCCESS),
    *_each(
        (BY_NUMBER, DETAILS),
        "local-identifier-agrees",
        replace(EDITH, local="H123456"),
        Code.SUCCESS,
    ),
    *_each(
        (NUMBER, BY_SEARCH),
        "local-identifier-agrees",
        replace(EDITH, local="H123456"),
        Code.SUCCESS,
    ),
    *_each(
        (BY_NUMBER, DETAILS),
        "local-identifier-unknown",
        replace(TWIN, local="H000001"),
        Code.SUCCESS,
    ),
    *_each((DETAILS,), "by-local-identifier", LOCAL, Code.SUCCESS),
    *_each(
        (DETAILS,),
        "without-gender",
        Asked(birth_date="19500203", family="O'CARTER & DAY"),
        Code.SUCCESS,
    ),
    *_alone("not-found", "9990000107", Code.NO_MATCH),
    *_by_search("nobody-has-the-details", replace(EDITH, family="NOBODY"), Code.NO_MATCH),
    *_by_search("another-gender", replace(EDITH, gender="1"), Code.NO_MATCH),
    *_by_search("another-postcode", replace(EDITH, postcode="LS9 9ZZ"), Code.NO_MATCH),
    *_by_search("a-star-stands-for-itself", replace(EDITH, family="O'CART*"), Code.NO_MATCH),
    *_by_search("restricted-by-place", replace(HIDDEN, postcode="LS6 6AA"), Code.NO_MATCH),
    *_each(
        (NUMBER, BY_SEARCH),
        "local-identifier-of-another",
        replace(EDITH, local="H000001"),
        Code.NO_MATCH,
    ),
    *_each(
        (DETAILS,), "local-identifier-of-nobody", replace(LOCAL, local="H000001"), Code.NO_MATCH
    ),
    *_each(
        (DETAILS,),
        "local-identifier-with-another-birth-date",
        replace(LOCAL, birth_date="19500204"),
        Code.NO_MATCH,
    ),
    *_each(
        (DETAILS,),
        "local-identifier-of-another-hospital",
        replace(LOCAL, local="OTHER-1"),
        Code.NO_MATCH,
    ),
    *_by_search("several-matches", TWIN, Code.MULTIPLE_MATCHES),
    *_alone("superseded", "9990000026", Code.SUPERSEDED),
    *_alone("superseded-and-another-birth-date", "9990000026", Code.SUPERSEDED, "19500204"),
    *_alone("no-longer-in-use", "9990000034", Code.INVALIDATED),
    *_alone("another-birth-date", "9990000018", Code.NOT_VERIFIED, "19500204"),
    *_by_number("another-family-name", replace(EDITH, family="OTHER"), Code.NOT_VERIFIED),
    *_by_number("another-given-name", replace(EDITH, given="OTHER"), Code.NOT_VERIFIED),
    *_each(
        (BY_NUMBER, DETAILS),
        "local-identifier-of-another",
        replace(EDITH, local="H000001"),
        Code.NOT_VERIFIED,
    ),
    *_alone("nine-digits", "999000001", Code.NOT_NEW_STYLE),
    *_alone("letters-in-the-number", "999A00001E", Code.NOT_NEW_STYLE),
    *_by_number(
        "another-root", replace(EDITH, root="2.16.840.1.113883.2.1.3.2.4.3"), Code.NOT_NEW_STYLE
    ),
    *_alone("wrong-check-digit", "9990000019", Code.INPUT_NOT_VALID),
    *_each(
        (NUMBER, BY_NUMBER, BY_SEARCH, DETAILS),
        "local-identifier-without-oid",
        replace(EDITH, local="H123456", scheme="ours"),
        Code.INPUT_NOT_VALID,
    ),
    *_each(
        (VERIFY,),
        "record-out-of-form",
        Asked("19340708", nhs_number="9990000085"),
        Code.SUCCESS,
    ),
    *_each(
        (NUMBER,), "record-out-of-form", Asked("19340709", gender="9", family="LINES"), Code.SUCCESS
    ),
    *_each(ALL, "no-birth-date", EDITH, Code.INPUT_NOT_VALID, frozenset(("birth_date",))),
    *_each(ALL, "birth-date-in-part", replace(EDITH, birth_date="195002"), Code.INPUT_NOT_VALID),
    *_each(
        ALL,
        "birth-date-with-a-time",
        replace(EDITH, birth_date="1950020312"),
        Code.INPUT_NOT_VALID,
    ),
    *_each(ALL, "no-such-day", replace(EDITH, birth_date="19500230"), Code.INPUT_NOT_VALID),
    *_each(
        SEARCHED,
        "no-family-name",
        EDITH,
        Code.INPUT_NOT_VALID,
        frozenset(("family", "nhs_number")),
    ),
    *_each((NUMBER, BY_SEARCH), "no-gender", EDITH, Code.INPUT_NOT_VALID, frozenset(("gender",))),
    *_by_search("unknown-gender-code", replace(EDITH, gender="F"), Code.INPUT_NOT_VALID),
    *_each(
        (VERIFY, BY_NUMBER), "no-number", EDITH, Code.INPUT_NOT_VALID, frozenset(("nhs_number",))
    ),
    *_each(
        (BY_NUMBER, DETAILS),
        "record-out-of-form",
        Asked("19340708", nhs_number="9990000085"),
        Code.OUTPUT_NOT_VALID,
    ),
    *_each(
        (BY_SEARCH,),
        "record-out-of-form",
        Asked("19340709", gender="9", family="LINES"),
        Code.OUTPUT_NOT_VALID,
    ),
    *(
        replace(one, name="not-granted", code=Code.NOT_ALLOWED, certificate_name="other.spine.test")
        for one in (
            *_each((VERIFY, BY_NUMBER, DETAILS), "", EDITH, Code.SUCCESS),
            *_each((NUMBER, BY_SEARCH), "", EDITH, Code.SUCCESS),
        )
    ),
)
