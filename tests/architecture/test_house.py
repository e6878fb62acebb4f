"""The house: who may import whom, and that no row lacks its translation."""

from importlinter.cli import lint_imports

from adapters import pipeline


def test_imports_point_the_right_way() -> None:
    assert lint_imports(config_filename="pyproject.toml") == 0


def test_every_interaction_has_a_translation() -> None:
    assert list(pipeline.untranslated()) == []
