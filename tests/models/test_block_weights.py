"""What is left out is missed when it told something, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from models.batch import LabelledRows, to_labelled_rows
from models.block_weights import BlockWeight, Whole, weigh_blocks
from models.candidates import CandidateSpec
from models.logistic import LogisticSettings
from models.schema import FeatureSchema

N_LATENTS = 8
BLOCKS = {"user": ["user_click_rate", "not in the schema"], "noise": ["sends_7d", "push_enabled"], "empty": ["nowhere"]}


@pytest.fixture(scope="module")
def found(
    parts: dict[str, LabelledRows], make_table: Callable[[int, int], pa.Table], schema: FeatureSchema
) -> list[Whole | BlockWeight]:
    """Weights on a hold-out that is large enough to be sure."""
    spec, holdout = CandidateSpec("logistic", LogisticSettings()), to_labelled_rows(make_table(20_000, 9), schema)
    rows = (parts["train"], parts["validation"], holdout)
    return list(weigh_blocks(spec, *rows, schema, N_LATENTS, BLOCKS, seed=0, n_threads=1))


def test_the_whole_comes_first_then_each_block_that_the_schema_has(
    found: list[Whole | BlockWeight], schema: FeatureSchema
) -> None:
    whole, *blocks = found
    assert isinstance(whole, Whole)
    assert whole.columns == len(schema.features) + N_LATENTS
    assert [(one.block, one.columns) for one in blocks if isinstance(one, BlockWeight)] == [
        ("user", 1),
        ("noise", 2),
        ("codes", 8),
    ]


def test_only_what_clicks_follow_is_missed(found: list[Whole | BlockWeight]) -> None:
    user, noise, codes = (one for one in found if isinstance(one, BlockWeight))
    for one in (user, codes):
        assert one.auc_gain_ci.low > max(0.005, noise.auc_gain_ci.high)
        assert one.log_loss_gain > 2 * abs(noise.log_loss_gain)
    for one in (user, noise, codes):
        assert one.log_loss_gain_ci.low <= one.log_loss_gain <= one.log_loss_gain_ci.high
        assert one.auc_gain_ci.low <= one.auc_gain <= one.auc_gain_ci.high


def test_a_candidate_without_codes_has_no_block_of_them(parts: dict[str, LabelledRows], schema: FeatureSchema) -> None:
    spec = CandidateSpec("logistic", LogisticSettings(), codes=False)
    rows = (parts["train"], parts["validation"], parts["holdout"])
    whole, weight = weigh_blocks(spec, *rows, schema, N_LATENTS, {"user": ["user_click_rate"]}, seed=0, n_threads=1)
    assert isinstance(whole, Whole)
    assert isinstance(weight, BlockWeight)
    assert (whole.columns, weight.block) == (5, "user")
