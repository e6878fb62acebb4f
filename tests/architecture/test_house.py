"""The house: who may import whom, and that no row lacks its translation."""

from importlinter.cli import lint_imports

from adapters import pipeline, tms


def test_imports_point_the_right_way() -> None:
    assert lint_imports(config_filename="pyproject.toml") == 0


def test_every_interaction_has_a_translation() -> None:
    assert list(pipeline.untranslated()) == []


def test_every_interaction_of_the_hub_has_a_service_and_every_service_a_row() -> None:
    assert list(tms.unserved()) == []
