"""Searches and comparisons of LDAP: a request to the operations that answer it, within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct, field

from adapters import sds_about
from adapters.sds_about import About, Offered
from adapters.sds_paging import Cookies, Standing
from adapters.sds_searching import START, Finding, Mark, Query, entry_named, plan, steps
from adapters.sds_selecting import SUBSCHEMA, Selection, chosen, selection, shown
from legacy_contracts.sds import ldap_answers, matching
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.filters import Equality, matches
from legacy_contracts.sds.ldap_codes import PAGED_RESULTS, Malformed, Refused, Result, Scope, Tag
from legacy_contracts.sds.ldap_messages import Compare, Control, Search
from legacy_contracts.sds.ldap_names import ROOT, Name, read_name

_SUBSCHEMA_NAME: Final = read_name(SUBSCHEMA)


class SearchLimits(Struct, frozen=True):
    """How much one search may come to: entries, candidates without an index, seconds."""

    size: int
    examined: int
    seconds: float


class Asking(Struct, frozen=True):
    """What a search is answered with: the table, the limits, the clock, what is offered."""

    finding: Finding
    limits: SearchLimits
    cookies: Cookies
    monotonic: Callable[[], float]
    offered: Offered


class Said(Struct, frozen=True):
    """An operation of the answer with its controls; the last one has the result's code."""

    operation: bytes
    controls: bytes = b""
    code: Result | None = None


class _Page(Struct):
    """What a search may give now, and what it gave."""

    most: int
    total: int
    """How many entries the client wants in all, over all pages; 0 for any number."""
    seconds: float
    paged: bool
    given: int = 0
    mark: Mark = START
    examined: int = 0

    @property
    def is_full(self) -> bool:
        """Say whether no more entries fit."""
        return self.given >= self.most


class _Ended(Struct):
    """How a search ended: its code, and where a next page goes on."""

    code: Result = Result.SUCCESS
    text: str = ""
    standing: Standing | None = field(default=None)


def search(request: Search, controls: tuple[Control, ...], asking: Asking) -> Iterator[Said]:
    """Give what answers a search: entries, and how it ended."""
    try:
        yield from _searched(request, controls, asking)
    except Refused as refused:
        yield _done(refused.code, refused.text, refused.matched)


def compare(request: Compare, finding: Finding) -> Said:
    """Give what answers a comparison (RFC 4511 4.10)."""
    try:
        code, text = _compared(request, entry_named(read_name(request.entry), finding)), ""
    except Refused as refused:
        code, text = refused.code, refused.text
    return Said(ldap_answers.result(Tag.COMPARE_RESPONSE, code, text), code=code)


def _compared(request: Compare, entry: Entry | None) -> Result:
    if entry is None:
        raise Refused(Result.NO_SUCH_OBJECT, "no such entry")
    rules = matching.rules_of(request.attribute)
    if rules is None:
        raise Refused(Result.UNDEFINED_ATTRIBUTE_TYPE, "the attribute is not known")
    if rules.equality is None:
        raise Refused(Result.INAPPROPRIATE_MATCHING, "the attribute has no rule of equality")
    names = matching.spelt(request.attribute)
    if not any(name.lower() in names for name, _ in entry.attributes):
        raise Refused(Result.NO_SUCH_ATTRIBUTE, "the entry does not have the attribute")
    equal = matches(Equality(request.attribute, request.value), entry)
    return Result.COMPARE_TRUE if equal else Result.COMPARE_FALSE


def _searched(request: Search, controls: tuple[Control, ...], asking: Asking) -> Iterator[Said]:
    base = read_name(request.base)
    selected = selection(request.attributes, types_only=request.types_only)
    about = _about(base, request.scope, asking.offered)
    if about is not None:
        yield from _told(about, request, selected)
        return
    page = _page(request, controls, asking)
    ended = _Ended()
    if page.paged and page.most == 0:
        # A page of nothing: the client has enough (RFC 2696 3).
        yield _done(Result.SUCCESS, controls=ldap_answers.paged(b""))
        return
    for entry in _entries(Query(base, request.scope, request.filter), page, asking, ended):
        yield Said(ldap_answers.entry(entry.dn, shown(entry, selected)))
    cookie = asking.cookies.sealed(ended.standing, request) if ended.standing else b""
    control = ldap_answers.paged(cookie) if page.paged else b""
    yield _done(ended.code, ended.text, controls=control)


def _about(base: Name, scope: Scope, offered: Offered) -> About | None:
    """Give the entry that is no row, where that is what is asked for."""
    if base == ROOT and scope is Scope.BASE:
        return sds_about.root(offered)
    if base == _SUBSCHEMA_NAME:
        return sds_about.subschema()
    return None


def _told(about: About, request: Search, selected: Selection) -> Iterator[Said]:
    whole = Entry(about.entry.dn, about.entry.attributes + about.operational)
    if request.scope is not Scope.ONE and matches(request.filter, whole) is True:
        attributes = chosen(about.entry.attributes, about.operational, selected)
        yield Said(ldap_answers.entry(about.entry.dn, attributes))
    yield _done(Result.SUCCESS)


def _page(request: Search, controls: tuple[Control, ...], asking: Asking) -> _Page:
    """Give how much is wanted now, and from where."""
    seconds = min(request.time_limit or asking.limits.seconds, asking.limits.seconds)
    asked = [one for one in controls if one.oid == PAGED_RESULTS]
    if not asked:
        limit = min(request.size_limit or asking.limits.size, asking.limits.size)
        return _Page(limit, 0, seconds, paged=False)
    if len(asked) > 1:
        raise Refused(Result.PROTOCOL_ERROR, "paged results are asked for twice")
    try:
        size, cookie = ldap_answers.read_paged(asked[0].value)
    except Malformed as malformed:
        raise Refused(Result.PROTOCOL_ERROR, malformed.why) from malformed
    if size < 0:
        raise Refused(Result.PROTOCOL_ERROR, "a page of less than nothing")
    standing = asking.cookies.opened(cookie, request) if cookie else Standing(START, 0)
    most = min(size, asking.limits.size)
    page = _Page(most, request.size_limit, seconds, paged=True)
    page.mark, page.given = standing.mark, standing.given
    return page


def _entries(query: Query, page: _Page, asking: Asking, ended: _Ended) -> Iterator[Entry]:
    """Give the entries of a page, and say how it ended."""
    walked = plan(query, asking.finding)
    before, page.given = page.given, 0
    until = asking.monotonic() + page.seconds
    for step in steps(walked, asking.finding, page.mark):
        page.examined += 1
        if step.entry is not None and (page.is_full or before + page.given == (page.total or -1)):
            _end_full(page, before, ended)
            return
        if step.entry is not None:
            page.given += 1
            yield step.entry
        page.mark = step.mark
        if asking.monotonic() > until:
            ended.code, ended.text = Result.TIME_LIMIT_EXCEEDED, "the search took too long"
            return
        if page.examined >= asking.limits.examined and not walked.is_indexed:
            _end_examined(page, before, ended)
            return


def _end_full(page: _Page, before: int, ended: _Ended) -> None:
    given = before + page.given
    if page.paged and given != (page.total or -1):
        ended.standing = Standing(page.mark, given)
        return
    ended.code, ended.text = Result.SIZE_LIMIT_EXCEEDED, "there are more entries"


def _end_examined(page: _Page, before: int, ended: _Ended) -> None:
    if page.paged:
        ended.standing = Standing(page.mark, before + page.given)
        return
    ended.code = Result.ADMIN_LIMIT_EXCEEDED
    ended.text = "no index serves this search: ask for a key, a code or a service, or for pages"


def _done(code: Result, text: str = "", matched: str = "", *, controls: bytes = b"") -> Said:
    return Said(ldap_answers.result(Tag.SEARCH_DONE, code, text, matched), controls, code)
