"""A settings file says all of the candidates; one that is not right is one line that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import BadInput
from jobs.settings_file import as_toml, read_candidates
from models.candidates import DEFAULT_CANDIDATES, FAMILIES, CandidateSpec
from models.histogram_forest import HistogramForestSettings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_what_is_written_is_read(file: Path) -> None:
    every = [CandidateSpec(name, family(), codes=False, negatives_kept=0.5) for name, family in FAMILIES.items()]
    for specs in (DEFAULT_CANDIDATES, tuple(every)):
        file.write_text(as_toml(specs))
        assert read_candidates(str(file)) == specs
    assert read_candidates() == DEFAULT_CANDIDATES


def test_what_is_not_said_is_the_default(file: Path) -> None:
    file.write_text('[forest]\nfamily = "histogram_forest"\nn_trees = 30\nfeature_fraction = 1\n')
    assert read_candidates(str(file)) == (
        CandidateSpec("forest", HistogramForestSettings(n_trees=30, feature_fraction=1.0)),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[lightgbm", "expected TOML"),
        ("", "expected a table for each candidate, got none"),
        ("lightgbm = 3", "lightgbm: expected a table with a family, got 3"),
        ("[lightgbm]", "[lightgbm] family: expected one of logistic, random_forest, histogram_forest, lightgbm, got"),
        ("[user_id]\nfamily = 'logistic'", "[user_id]: expected a name of small letters, digits and _, other than"),
        ("['../x']\nfamily = 'logistic'", "[../x]: expected a name of small letters"),
        (
            "[a]\nfamily = 'logistic'\ndepth = 3",
            "[a]: unknown setting 'depth'; known are inverse_penalty, max_iterations",
        ),
        (
            "[a]\nfamily = 'lightgbm'\nnum_leaves = 1",
            "[a] num_leaves: input should be greater than or equal to 2, got 1",
        ),
        (
            "[a]\nfamily = 'lightgbm'\nnum_leaves = 'few'",
            "[a] num_leaves: input should be a valid integer, got 'few'",
        ),
        (
            "[a]\nfamily = 'lightgbm'\nlearning_rate = nan",
            "[a] learning_rate: input should be a finite number, got nan",
        ),
        ("[a]\nfamily = 'logistic'\ncodes = 'no'", "[a] codes: input should be a valid boolean, got 'no'"),
        (
            "[a]\nfamily = 'logistic'\nnegatives_kept = 0.0",
            "[a] negatives_kept: input should be greater than 0, got 0.0",
        ),
    ],
)
def test_a_wrong_file_is_one_line(file: Path, text: str, complaint: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        read_candidates(str(file))
    assert str(error.value).startswith(f"settings file {file}: {complaint}")
    assert "\n" not in str(error.value)


def test_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected a readable TOML file"):
        read_candidates(str(tmp_path / "none.toml"))
