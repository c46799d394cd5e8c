"""The comparison on a tiny world: clicks follow one token that only the user part can know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from jobs.report.comparison_measures import EmbeddingComparison
from models.schema import Feature, FeatureSchema
from tests.benchmarks.embeddings.cells import Bench, zero_without_tokens
from tests.benchmarks.embeddings.comparison import Comparison
from tests.benchmarks.embeddings.data import Data
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.figures import figures_of
from tests.benchmarks.embeddings.grid import NONE, RIVALS, THE_DEFAULT, Method
from tests.benchmarks.embeddings.intervals import auc_draws, interval
from tests.benchmarks.embeddings.table import markdown

N_USERS, N_TOKENS = 300, 48
TOPK = Method("TopK", THE_DEFAULT.fit, lambda _: [{"n_latents": 32, "k": 8, "max_epochs": 30}])
SVD = next(method for method in RIVALS if method.name.startswith("TruncatedSVD"))


def rows_of(n_rows: int, counts: sp.csr_matrix, rng: np.random.Generator) -> pa.Table:
    request = rng.integers(0, N_USERS, n_rows)
    p = np.where(counts[request, :6].sum(axis=1) > 6, 0.6, 0.05)
    return pa.table(
        {
            "user_id": [f"u{user}" for user in request],
            "label": (rng.random(n_rows) < np.ravel(p)).astype(np.int32),
            "local_hour": rng.integers(0, 24, n_rows),
            "user_clicks_7d": rng.integers(0, 9, n_rows),
            "request": request,
        }
    )


@pytest.fixture(scope="module")
def data() -> Data:
    rng = np.random.default_rng(0)
    rates = np.repeat(4.0 * rng.integers(0, 2, (N_USERS, 8)), 6, axis=1) + 0.1
    counts = sp.csr_matrix(rng.poisson(rates).astype(np.float32))
    sizes = {"train": 6000, "validation": 3000, "holdout": 3000}
    features = tuple(Feature(name, "int", "numeric") for name in ("local_hour", "user_clicks_7d"))
    return Data(
        learn=counts,
        requests=sp.vstack([counts, sp.csr_matrix((1, N_TOKENS), dtype=np.float32)], format="csr"),
        rows={part: rows_of(size, counts, rng) for part, size in sizes.items()},
        schema=FeatureSchema("0", features),
        interests=None,
    )


def comparison_of(data: Data, folder: Path) -> Comparison:
    downstream = Downstream(data, all_features=False, n_threads=1)
    assert downstream.encoder.columns == ("local_hour",)  # what is known of the user is in the code alone
    bench = Bench(data, downstream, folder)
    return Comparison(bench, [bench, bench], seeds=1, choosing_seeds=1, quick=True)


def test_codes_that_know_the_user_beat_none_and_are_measured_once(data, tmp_path):
    comparison = comparison_of(data, tmp_path)
    choices = comparison.choose([(NONE, 0), (SVD, 16), (TOPK, 16)])
    entries = comparison.report(choices)

    assert all(entry.mean("holdout_auc") > entries[0].mean("holdout_auc") + 0.1 for entry in entries[1:])
    assert [entry.mean("bytes") for entry in entries] == [0, 16, 16]
    rows = comparison.holdout
    assert len(entries[0].losses) == len(rows.label) == 6000  # two lakes, although here they are one
    assert len(np.unique(rows.user)) == 2 * N_USERS
    assert auc_draws(entries[1].losses, rows)[0] == pytest.approx(entries[1].mean("holdout_auc"), abs=2e-3)
    figures = figures_of(entries, entries[0], {16: entries[1]}, rows)
    assert figures[-1].name == "none"  # losers are shown too
    assert figures[-1].against_none is None
    by_name = {one.name: one for one in figures}
    assert by_name["TopK"].auc_against_none.low > 0.1
    assert by_name["TopK"].against_none.high < 0
    assert by_name[SVD.name].against_svd is None
    assert by_name["TopK"].auc_against_svd.mean == pytest.approx(by_name["TopK"].auc - by_name[SVD.name].auc, abs=4e-3)
    assert all(one.matched_share is None for one in figures)  # one seed is held against none

    forgotten = Method(SVD.name, lambda *_: pytest.fail("measured twice"), SVD.settings)
    again = comparison_of(data, tmp_path)
    assert np.array_equal(again.report(again.choose([(forgotten, 16)]))[0].losses, entries[1].losses)


def test_seeds_are_held_against_each_other(data, tmp_path):
    downstream = Downstream(data, all_features=False, n_threads=1)
    bench = Bench(data, downstream, tmp_path)
    comparison = Comparison(bench, [bench], seeds=2, choosing_seeds=1, quick=True)
    none, svd, topk = comparison.report(comparison.choose([(NONE, 0), (SVD, 16), (TOPK, 16)]))

    assert none.agreement is None
    assert svd.agreement.linear_cka == pytest.approx(1, abs=0.02)  # the same components, whatever the seed
    assert svd.agreement.matched_share > topk.agreement.matched_share
    assert 0.3 < topk.agreement.linear_cka < 1


def test_what_is_not_finished_is_left_out_of_the_table_and_told(data, tmp_path):
    comparison_of(data, tmp_path).choose([(NONE, 0), (SVD, 16)])
    again = replace(comparison_of(data, tmp_path), only_finished=True)
    choices = again.finished(again.choose([(NONE, 0), (SVD, 16), (TOPK, 16)]))

    assert [choice.method.name for choice in choices] == ["none", SVD.name]
    assert again.left_out == ["TopK, 16 bytes: 1 settings"]
    found = EmbeddingComparison(
        ds="2026-02-11",
        lakes=("lake",),
        users=N_USERS,
        sends=len(again.holdout.label),
        seeds=1,
        all_features=False,
        embeddings=figures_of(again.report(choices), None, {}, again.holdout),
        not_measured=tuple(again.left_out),
    )
    table = markdown(found)
    assert table.count("\n| ") == 3
    assert table.endswith("Not measured: TopK, 16 bytes: 1 settings")
    assert EmbeddingComparison.model_validate_json(found.model_dump_json()) == found


def test_who_has_no_token_has_no_code():
    counts = sp.csr_matrix([[1.0, 0], [0, 0]])
    dense = np.ones((2, 3), np.float32)
    for codes in (dense, sp.csr_matrix(dense)):
        found = zero_without_tokens(codes, counts)
        assert type(found) is type(codes)
        assert sp.csr_matrix(found).toarray().tolist() == [[1, 1, 1], [0, 0, 0]]


def test_a_measurement_is_done_again_when_data_or_code_are_others_or_its_line_is_not_whole(data, tmp_path, monkeypatch):
    comparison_of(data, tmp_path).choose([(NONE, 0), (SVD, 16)])
    file = tmp_path / "cells.jsonl"
    n_svd = len(file.read_text().splitlines()) - 1

    def measured_again(now: Data) -> int:
        before = file.read_text()
        comparison_of(now, tmp_path).choose([(NONE, 0), (SVD, 16)])
        assert file.read_text().startswith(before[: before.rfind("\n") + 1])
        return len(file.read_text().splitlines()) - before.count("\n")

    assert measured_again(data) == 0
    file.write_text(file.read_text()[:-9])
    assert measured_again(data) == 1
    assert measured_again(replace(data, digest="other")) == 1 + n_svd
    monkeypatch.setattr("tests.benchmarks.embeddings.cells.CODE", [])
    assert measured_again(data) == 1 + n_svd


def test_settings_that_do_not_fit_are_not_chosen(data, tmp_path):
    too_long = Method("TopK", TOPK.fit, lambda _: [{"n_latents": 32, "k": 9, "max_epochs": 1}])

    comparison = comparison_of(data, tmp_path)
    assert comparison.choose([(too_long, 16)]) == []
    assert comparison.left_out == ["TopK, 16 bytes: no settings fit"]


def test_the_interval_is_of_the_paired_difference_by_user():
    rng = np.random.default_rng(0)
    user = rng.integers(0, 50, 4000)
    rival = rng.random(4000)
    found = interval(rival - 0.01, rival, user)

    assert (found.mean, found.low, found.high) == pytest.approx((-0.01,) * 3)  # what both have is no uncertainty
    own = rng.normal(0, 1, 50)[user]  # all rows of a user err alike: 50 draws, not 4,000
    found = interval(rival + own, rival, user)
    assert found.mean == pytest.approx(own.mean())
    assert found.high - found.low == pytest.approx(4 / 50**0.5, rel=0.3)
