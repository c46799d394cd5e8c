"""Embeddings at equal bytes on the page, from the file that the benchmark writes; a bad file is one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.comparison_file import read_comparison
from jobs.errors import BadInput
from jobs.report.comparison_measures import EmbeddingComparison
from jobs.report.embedding_comparison import DEFAULT, SVD, TRUTH, sentence
from jobs.report.metrics import Metrics, assemble
from jobs.report.page import render


def test_the_page_shows_every_row_and_what_was_left_out(
    compared: dict[str, Any], measured: dict[str, Any], decision: dict[str, Any]
) -> None:
    comparison = EmbeddingComparison.model_validate(compared)
    metrics = assemble(measured, decision, embedding_comparison=comparison)
    page = render(metrics)
    section = page[page.index('<section id="comparison"') : page.index('<section id="data"')]
    assert 'href="#comparison"' in page
    for words in (
        "&lt;i&gt;TopK",
        "0.7021",
        "0.0131",
        "0.0105 to 0.0186",
        "102,345",
        "k=8",
        "81",
        "128 bytes",
        "one, two",
    ):
        assert words in section
    assert section.count("<tr>") == 4
    assert Metrics.model_validate_json(metrics.model_dump_json()).embedding_comparison == comparison
    assert 'id="comparison"' not in render(assemble(measured, decision))


def test_the_best_of_a_size_is_named_and_whether_it_may_be_chance(compared: dict[str, Any]) -> None:
    said = sentence(EmbeddingComparison.model_validate(compared))
    assert said == ("At 16 bytes a user, <i>TopK</i> has the highest AUC, 0.7021: 0.0131 above SVD (0.0105 to 0.0186).")
    compared["embeddings"][0]["auc_against_svd"]["low"] = -0.001
    assert str(sentence(EmbeddingComparison.model_validate(compared))).endswith("which may be chance.")
    assert sentence(None) is None


def test_the_share_of_the_gap_that_the_default_closes_is_told(compared: dict[str, Any]) -> None:
    one = compared["embeddings"][0]
    for name, auc in ((DEFAULT, 0.71), (SVD, 0.70), (TRUTH, 0.74)):
        compared["embeddings"].append({**one, "name": name, "auc": auc, "budget": 0})
    told = str(sentence(EmbeddingComparison.model_validate(compared)))
    assert told.endswith(
        "Of the gap from the best SVD (0.7000) to the true interests (0.7400) the default (0.7100) closes 25%."
    )


def test_the_file_is_read_as_it_was_written(compared: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(compared))
    assert read_comparison(str(path)) == EmbeddingComparison.model_validate(compared)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "invalid json"),
        ("{}", "expected ds, got none"),
        ('{"ds": "2026-02-11", "lakes": [], "users": "many"}', "users: input should be a valid integer"),
        (b"\xff\xfe", "the file: invalid json"),
    ],
)
def test_a_bad_file_is_one_clear_line(text: str | bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput, match=said) as error:
        read_comparison(str(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_figure_that_is_not_a_number_is_refused(compared: dict[str, Any], tmp_path: Path) -> None:
    compared["embeddings"][1]["auc"] = float("nan")
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(compared))
    with pytest.raises(BadInput, match=r"embeddings\.1\.auc"):
        read_comparison(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.json: expected a readable file"):
        read_comparison(str(tmp_path / "gone.json"))
