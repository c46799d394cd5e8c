"""A small world of pushes for click models: tables of raw rows, and every default candidate fitted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models.batch import LabelledRows, to_labelled_rows
from models.bundle import Embedding, serving_contents, write_bundle
from models.candidates import FittedCandidate, candidates_for, fit_candidate
from models.schema import Feature, FeatureSchema

N_LATENTS = 8
DS = date(2026, 2, 2)


@pytest.fixture(scope="session")
def schema() -> FeatureSchema:
    """Columns whose categorical ones are not in the order of the alphabet, and lie between numeric ones."""
    return FeatureSchema(
        hash="0123456789abcdef",
        features=(
            Feature("user_click_rate", "double", "numeric"),
            Feature("platform", "string", "categorical"),
            Feature("sends_7d", "bigint", "numeric"),
            Feature("campaign_id", "string", "categorical"),
            Feature("push_enabled", "boolean", "numeric"),
        ),
    )


@pytest.fixture(scope="session")
def make_table() -> Callable[[int, int], pa.Table]:
    """Make ``(n_rows, seed)`` raw rows; clicks follow the user's rate, the campaign and latent 3."""

    def make(n: int, seed: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        rate = np.where(rng.random(n) < 0.2, np.nan, rng.beta(2, 20, n))
        campaign = rng.integers(0, 12, n)
        latents = [sorted(rng.choice(N_LATENTS, 3, replace=False)) for _ in range(n)]
        coded = rng.random(n) < 0.8
        fond = np.array([3 in code for code in latents]) & coded
        score = -3.2 + 8 * (np.nan_to_num(rate, nan=0.09) - 0.09) + 0.15 * (campaign - 6) + 1.2 * fond
        return pa.table(
            {
                "send_id": [f"s{seed}-{row:06d}" for row in range(n)],
                "user_id": [f"u{user}" for user in rng.integers(0, n // 4, n)],
                "label": (rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.int32),
                "user_click_rate": pa.array(rate, from_pandas=True),
                "platform": rng.choice(["ios", "android", None], n).tolist(),
                "sends_7d": pa.array(rng.poisson(5, n)),
                "campaign_id": [f"only in {seed}" if one == 11 else f"c{one}" for one in campaign],
                "push_enabled": pa.array(rng.random(n) < 0.9),
                "latents": pa.array(
                    [code if has else None for code, has in zip(latents, coded, strict=True)], pa.list_(pa.int16())
                ),
                "latent_values": pa.array([rng.random(3) if has else None for has in coded], pa.list_(pa.float32())),
            }
        )

    return make


@pytest.fixture(scope="session")
def holdout_table(make_table: Callable[[int, int], pa.Table]) -> pa.Table:
    return make_table(1500, 3)


@pytest.fixture(scope="session")
def parts(
    make_table: Callable[[int, int], pa.Table], holdout_table: pa.Table, schema: FeatureSchema
) -> dict[str, LabelledRows]:
    """Training, validation and hold-out rows; one campaign of each part is in no other part."""
    tables = {"train": make_table(4000, 1), "validation": make_table(2000, 2), "holdout": holdout_table}
    return {part: to_labelled_rows(table, schema) for part, table in tables.items()}


@pytest.fixture(scope="session")
def candidates(parts: dict[str, LabelledRows], schema: FeatureSchema) -> dict[str, FittedCandidate]:
    """Every default candidate, fitted."""
    return {
        spec.name: fit_candidate(spec, parts["train"], parts["validation"], schema, N_LATENTS, seed=0, n_threads=1)
        for spec in candidates_for(N_LATENTS)
    }


@pytest.fixture
def write(schema: FeatureSchema, tmp_path: Path) -> Callable[[FittedCandidate, str], Path]:
    """Write ``(candidate, name)`` as a bundle with an embedding; gives the folder."""

    def write(candidate: FittedCandidate, name: str) -> Path:
        embedding = tmp_path / "embedding"
        embedding.mkdir(exist_ok=True)
        (embedding / "weights.safetensors").write_bytes(b"weights")
        (embedding / "manifest.json").write_text('{"version": "abc"}')
        write_bundle(
            tmp_path / name,
            candidate,
            serving=serving_contents(candidate.model),
            ds=DS,
            schema=schema,
            embedding=Embedding("abc", embedding),
            measures={"fit_seconds": candidate.fit_seconds, "n_features": candidate.n_features},
        )
        return tmp_path / name

    return write
