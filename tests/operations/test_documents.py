"""The documents say what the code does: links, commands, settings, metrics, events."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import click
import pytest
from commanding import commands
from msgspec.structs import fields

from facade.config import Config
from legacy_contracts.errors import MEANINGS
from operations.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for anchor in re.findall(r"\]\(#([^)]*)\)", text):
        assert anchor in headings


def test_every_decision_is_in_the_index_once() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\d{4})\]\((\d{4})-", index, re.MULTILINE)
    files = sorted(path.name[:4] for path in (ROOT / "docs/decisions").glob("0*.md"))
    assert [number for number, _ in listed] == files
    assert all(number == file for number, file in listed)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_spine_command_that_a_page_names_exists(page: Path) -> None:
    known = dict(commands(main))
    text = page.read_text(encoding="utf-8")
    for typed in re.findall(r"(?:`|bin/|^)spine ([^`\n]+)", text, re.MULTILINE):
        words = typed.split()
        path = tuple(words[:2]) if tuple(words[:2]) in known else (words[0],)
        if path == ("directory",) or words[0] == "--help":
            continue
        assert path in known, typed
        options = {
            spelled
            for one in known[path].params
            if isinstance(one, click.Option)
            for spelled in one.opts
        }
        given = {word for word in words if word.startswith("--")}
        assert given <= {*options, "--help"}, typed


def test_every_setting_is_explained_in_the_template() -> None:
    template = resources.files("facade").joinpath("spine.toml").read_text(encoding="utf-8")
    shown = set()
    section = ""
    for line in template.splitlines():
        if found := re.match(r"\[(\w+)\]", line):
            section = found[1]
        elif found := re.match(r"(?:# )?(\w+) = (.+)", line):
            shown.add(f"{section}_{found[1]}")
            tomllib.loads(f"value = {found[2]}")
    assert shown == {one.name for one in fields(Config)} - {"home"}


def test_a_default_in_the_template_is_the_default() -> None:
    template = resources.files("facade").joinpath("spine.toml").read_text(encoding="utf-8")
    defaults = {one.name: one.default for one in fields(Config)}
    section = ""
    for line in template.splitlines():
        if found := re.match(r"\[(\w+)\]", line):
            section = found[1]
        elif found := re.match(r"# (\w+) = (.+)", line):
            shown = tomllib.loads(f"value = {found[2]}")["value"]
            assert shown == defaults[f"{section}_{found[1]}"], line


def test_every_metric_is_in_the_operators_page_and_no_other() -> None:
    source = (ROOT / "facade/metrics.py").read_text(encoding="utf-8")
    counters = set(re.findall(r'Counter\(\s*"(\w+)"', source))
    others = set(re.findall(r'(?:Gauge|Histogram)\(\s*"(\w+)"', source))
    written = set(re.findall(r"`(spine_[a-z_]+)", OPERATIONS))
    assert written == {f"{name}_total" for name in counters} | others


def test_every_event_of_the_log_is_in_the_operators_page() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "facade").glob("*.py")]
    called = r"(?:log|logger\(\)|_log|_report)(?:\.(?:info|warning|error))?"
    events = set(re.findall(called + r'\(\s*"([a-z_]+\.[a-z_]+)"', "\n".join(sources)))
    assert len(events) > 5
    assert sorted(event for event in events if f"`{event}`" not in OPERATIONS) == []


def test_every_refusal_that_the_operators_page_names_exists() -> None:
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", OPERATIONS):
        assert name in MEANINGS or name.startswith("SPINE_"), name
