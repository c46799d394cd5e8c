"""The candidates: they learn, are reproducible, and score one row as a batch and as the library that fitted them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from lightgbm.basic import LightGBMError

from models.batch import LabelledRows
from models.boosted_trees import BoostedTreesSettings
from models.bundle import serving_contents
from models.candidates import DEFAULT_CANDIDATES, FittedCandidate, candidates_for, fit_candidate
from models.encoding import fit_encoder
from models.evaluation import auc, log_loss
from models.family import EncodedParts, Settings, UnfitSettings, UnknownColumn
from models.histogram_forest import HistogramForestSettings
from models.logistic import LogisticSettings
from models.probe import probe
from models.schema import Feature, FeatureSchema
from models.serving import Scorer
from models.serving.encoder import UNSEEN_CODE
from models.serving.types import Floats

N_LATENTS = 8
SCHEMA_OF_NUMBERS = FeatureSchema("n", (Feature("user_click_rate", "double", "numeric"),))
NAMES = [spec.name for spec in DEFAULT_CANDIDATES]


def scorer_of(candidate: FittedCandidate) -> Scorer:
    return Scorer.from_contents(candidate.model.model.serving_format, serving_contents(candidate.model))


@pytest.mark.parametrize("name", NAMES)
def test_one_row_scores_as_in_a_batch(
    name: str, candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows], holdout_table: pa.Table
) -> None:
    scorer = scorer_of(candidates[name])
    alone = [scorer.score_one(row) for row in holdout_table.slice(0, 500).to_pylist()]
    assert scorer.score(parts["holdout"].batch)[:500] == pytest.approx(alone, rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_serving_gives_what_was_fitted_on_rows_made_to_part_them(
    name: str, candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    rows = probe(parts["validation"].batch, schema)
    assert len(rows["sends_7d"]) >= 20_000
    assert np.isnan(rows["sends_7d"]).any()
    assert (np.abs(rows["sends_7d"]) > 1e299).any()
    difference = np.abs(scorer_of(candidates[name]).score(rows) - candidates[name].model.predict(rows)).max()
    assert difference < (1e-14 if name == "logistic" else 2e-5)  # leaves have 16 bits


def test_a_batch_may_be_a_pandas_frame(
    candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows], holdout_table: pa.Table
) -> None:
    scorer = scorer_of(candidates["lightgbm"])
    frame = holdout_table.to_pandas()
    np.testing.assert_array_equal(scorer.score(frame), scorer.score(parts["holdout"].batch))


@pytest.mark.parametrize("name", NAMES)
def test_candidates_learn(name: str, candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]) -> None:
    rows = parts["holdout"]
    p = candidates[name].model.predict(rows.batch)
    assert auc(p, rows.label) > 0.6
    assert log_loss(p, rows.label) < log_loss(np.full(len(p), parts["train"].label.mean()), rows.label)
    assert p.mean() == pytest.approx(rows.label.mean(), abs=0.02)


def test_codes_are_read_by_those_that_say_so(
    candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    batch = parts["holdout"].batch
    without = {**batch, "latents": np.full(len(batch["latents"]), None)}
    for spec in DEFAULT_CANDIDATES:
        model = candidates[spec.name].model
        assert (model.predict(batch) != model.predict(without)).any() == spec.codes
        assert candidates[spec.name].n_features == 5 + (N_LATENTS if spec.codes else 0)


@pytest.mark.parametrize("family", ["logistic", "random_forest", "lightgbm"])
def test_the_same_data_and_seed_give_the_same_bytes(
    family: str,
    candidates: dict[str, FittedCandidate],
    parts: dict[str, LabelledRows],
    schema: FeatureSchema,
) -> None:
    spec = candidates[family].spec
    again = fit_candidate(spec, parts["train"], parts["validation"], schema, N_LATENTS, seed=0, n_threads=1)
    assert serving_contents(again.model) == serving_contents(candidates[family].model)
    np.testing.assert_array_equal(again.validation, candidates[family].validation)


@pytest.mark.parametrize("family", ["logistic", "random_forest"])
def test_the_number_of_threads_does_not_matter_to(
    family: str,
    candidates: dict[str, FittedCandidate],
    parts: dict[str, LabelledRows],
    schema: FeatureSchema,
) -> None:
    spec = candidates[family].spec
    again = fit_candidate(spec, parts["train"], parts["validation"], schema, N_LATENTS, seed=0, n_threads=2)
    assert serving_contents(again.model) == serving_contents(candidates[family].model)


def test_what_is_served_is_fitted_on_both_parts(
    candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    """Each part's own campaign is known to the model; that of the hold-out is not."""
    known = candidates["lightgbm"].model.encoder.vocabularies["campaign_id"]
    assert {"only in 1", "only in 2"} <= set(known)
    assert "only in 3" not in known
    assert "only in 3" in parts["holdout"].batch["campaign_id"]


def test_validation_settles_the_number_of_trees(
    candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    """Early stopping's number is kept for the fit on both parts, which has nothing left to stop by."""
    encoder = fit_encoder(parts["train"].batch, SCHEMA_OF_NUMBERS, 0)
    rows, later = (encoder.encode(parts[part].batch) for part in ("train", "validation"))
    settings = BoostedTreesSettings(max_trees=500, patience=10)
    stopped = EncodedParts(encoder, rows, parts["train"].label, later, parts["validation"].label)
    tried = settings.fit(stopped, seed=0, n_threads=1)
    settled = settings.settled(tried)
    assert 0 < settled.max_trees < 500
    again = settled.fit(EncodedParts(encoder, rows, parts["train"].label), seed=0, n_threads=1)
    np.testing.assert_array_equal(again.predict(later), tried.predict(later))
    assert candidates["logistic"].spec.settings.settled(candidates["logistic"].model.model) == LogisticSettings()


@pytest.fixture
def learned(parts: dict[str, LabelledRows], schema: FeatureSchema) -> EncodedParts:
    encoder = fit_encoder(parts["train"].batch, schema, 0)
    return EncodedParts(encoder, encoder.encode(parts["train"].batch), parts["train"].label)


def steps_of_click_rate(settings: Settings, learned: EncodedParts) -> Floats:
    """Fit, and give how a probability moves as the click rate of a row grows."""
    grid = np.repeat(learned.rows[:200], 50, axis=0)
    grid[:, 0] = np.tile(np.linspace(0, 1, 50), 200)
    p = settings.fit(learned, seed=0, n_threads=1).predict(grid).reshape(200, 50)
    return np.asarray(np.diff(p, axis=1))


@pytest.mark.parametrize(
    "free",
    [BoostedTreesSettings(max_trees=60, min_data_in_leaf=20), HistogramForestSettings(min_data_in_leaf=20)],
    ids=lambda settings: settings.family,
)
def test_what_is_said_to_rise_never_falls_and_the_other_way_round(free: Any, learned: EncodedParts) -> None:
    steps = steps_of_click_rate(free, learned)
    assert steps.min() < 0 < steps.max()
    assert steps_of_click_rate(replace(free, rising=("user_click_*",)), learned).min() >= 0
    falling = steps_of_click_rate(replace(free, falling=("user_click_rate",)), learned)
    assert falling.max() <= 0
    with pytest.raises(UnknownColumn, match=r"rising: .* got 'platform'"):
        replace(free, rising=("platform",)).fit(learned, seed=0, n_threads=1)
    with pytest.raises(UnknownColumn, match=r"falling: .* got 'nobody'"):
        replace(free, falling=("nobody",)).fit(learned, seed=0, n_threads=1)
    with pytest.raises(UnknownColumn, match="'user_click_rate' in both"):
        replace(free, rising=("user_*",), falling=("*_rate",)).fit(learned, seed=0, n_threads=1)


def test_quantised_training_learns_as_well(parts: dict[str, LabelledRows], learned: EncodedParts) -> None:
    batch, label = parts["holdout"].batch, parts["holdout"].label
    rows = learned.encoder.encode(batch)
    plain = BoostedTreesSettings(max_trees=40)
    exact, rounded = (one.fit(learned, seed=0, n_threads=1) for one in (plain, replace(plain, quantised=True)))
    assert rounded.text != exact.text
    assert log_loss(rounded.predict(rows), label) == pytest.approx(log_loss(exact.predict(rows), label), abs=0.003)
    assert rounded.text == replace(plain, quantised=True).fit(learned, seed=0, n_threads=1).text


def test_rows_that_quantised_training_cannot_take_are_said(
    learned: EncodedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LightGBMError("Check failed: (best_split_info.left_count) > (0)")

    monkeypatch.setattr("lightgbm.train", refuse)
    with pytest.raises(UnfitSettings, match=r"quantised: .*left_count"):
        BoostedTreesSettings(quantised=True).fit(learned, seed=0, n_threads=1)
    with pytest.raises(LightGBMError):
        BoostedTreesSettings().fit(learned, seed=0, n_threads=1)


def test_without_codes_each_family_is_fitted_once() -> None:
    specs = candidates_for(0)
    assert [spec.name for spec in specs] == ["lightgbm", "random_forest", "histogram_forest", "logistic"]
    assert not any(spec.codes for spec in specs)
    assert [spec.name for spec in candidates_for(8)] == NAMES


def test_vocabularies_hold_frequent_words_of_training_only(
    parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    encoder = fit_encoder(parts["train"].batch, schema, 0, min_rows=20)
    assert set(encoder.vocabularies["campaign_id"]) == {f"c{one}" for one in range(11)} | {"only in 1"}
    unseen = encoder.encode(parts["holdout"].batch)[:, encoder.columns.index("campaign_id")] == UNSEEN_CODE
    assert unseen.sum() == (parts["holdout"].batch["campaign_id"] == "only in 3").sum() > 50


def test_rare_words_and_words_beyond_the_cap_are_left_out(
    parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    capped = fit_encoder(parts["train"].batch, schema, 0, max_words=1)
    assert {len(words) for words in capped.vocabularies.values()} == {1}
    assert not any(fit_encoder(parts["train"].batch, schema, 0, min_rows=10**6).vocabularies.values())
