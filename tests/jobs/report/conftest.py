"""What a run leaves behind, as the report finds it: four candidates and an older champion."""

from __future__ import annotations

import math
from typing import Any

import pytest

from jobs.report.comparison_measures import ComparedEmbedding
from jobs.report.metrics import Metrics, assemble

RATE = 0.0461
ROWS = 40_516


@pytest.fixture
def measured() -> dict[str, Any]:
    return {
        "ds": "2026-02-11",
        "rows": {"train": 187_402, "validation": 41_210, "holdout": ROWS},
        "base_rate": RATE,
        "constant_log_loss": 0.1876,
        "feature_schema_hash": "9f1c02ab44de",
        "embedding": {
            "version": "4be1d07c9a2f",
            "bytes_per_user": 16.0,
            "fvu": 0.5812,
            "l0": 3.94,
            "dead_fraction": 0.03125,
        },
        "candidates": [
            model("lightgbm", "lightgbm", 0.7391, 0.17142, 0.0021, 241_300, 84.6, 61.2, 4.1),
            model("lightgbm_no_embedding", "lightgbm", 0.7362, 0.17268, 0.0024, 168_900, 63.9, 46.0, 3.3),
            model("random_forest", "random_forest", 0.7288, 0.17311, 0.0038, 3_912_000, 142.0, 71.0, 38.5),
            model("logistic", "logistic", 0.7104, 0.17603, 0.0052, 21_480, 31.2, 24.8, 1.9),
        ],
        "champion": model("lightgbm", "lightgbm", 0.7344, 0.17251, 0.0033, 252_100, 88.1, 63.0, None)
        | {"version": "07aa"},
        "choice": {
            "rule": "paired log-loss excess, upper 95 % bound at most the tolerance; then the smallest",
            "tolerance": 0.0008,
            "best": "lightgbm",
            "eligible": ["lightgbm"],
            "chosen": "lightgbm",
            "reasons": {
                "lightgbm": "Chosen: it predicts best, and no other does as well, at 241,300 bytes.",
                "logistic": "Not eligible: it may lose up to 0.00553 nats a send to lightgbm, and 0.0008 is tolerated.",
            },
        },
        "pareto": ["lightgbm", "lightgbm_no_embedding", "logistic"],
        "simulator": None,
        "machine": {"cpu": "AMD EPYC 7B13", "cores": 2, "memory_gb": 15.6, "python": "3.11.2", "threads": 1},
    }


@pytest.fixture
def decision() -> dict[str, Any]:
    return {
        "gates": [gate for name in ("lightgbm", "random_forest") for gate in gates(name)],
        "chosen": "lightgbm",
        "published": True,
        "champion": "c81f20d9be07",
        "reasons": [],
    }


@pytest.fixture
def refused(decision: dict[str, Any]) -> dict[str, Any]:
    """The same decision, but the chosen model is worse than the champion."""
    rule = "max_log_loss_over_champion"
    worse = {
        "rule": rule,
        "candidate": "lightgbm",
        "value": 0.0021,
        "limit": 0.001,
        "passed": False,
        "note": "",
    }
    kept = [gate for gate in decision["gates"] if gate["rule"] != rule]
    reasons = ["refused: max_log_loss_over_champion of lightgbm is 0.0021, limit 0.001"]
    return decision | {"gates": [*kept, worse], "published": False, "champion": "07aa", "reasons": reasons}


@pytest.fixture
def extras() -> dict[str, Any]:
    return {
        "training_set": {
            "parts": {
                "train": part(187_402, "2026-01-01", "2026-01-26"),
                "validation": part(41_210, "2026-01-28", "2026-02-03"),
                "holdout": part(ROWS, "2026-02-05", "2026-02-11"),
            },
            "bots": {"min_reaction_ms": 1_204},
        },
        "ingest": [
            ingested("sends", 301_204, 300_012, 13, 1_179, 0),
            ingested("clicks", 14_911, 14_602, 4, 221, 84),
            ingested("app_events", 2_410_553, 2_388_100, 201, 20_118, 2_134),
            ingested("devices", 41_230, 41_230, 0, 0, 0),
        ],
        "audience": {
            "scored": 94_210,
            "left_out": {"opted_out": 611, "uninstalled": 240, "push_disabled": 1_502, "forgotten": 12},
            "users": 18_842,
            "campaigns": 5,
        },
        "campaigns": [
            {
                "campaign_id": f"campaign_{i}",
                "scored": 18_842,
                "mean_p_click": 0.061 - 0.004 * i,
                "max_p_click": 0.43,
            }
            for i in range(5)
        ],
        "simulator": {"true_auc": 0.7812, "n": 301_204},
        "features": [
            feature("platform", 0.012, 0.043, None, None),
            feature("user_sends_all", 0.41, 0.0, 14.9, [1.0, 2.0, 7.0, 13.0, 20.0, 34.0, 45.0]),
        ],
    }


@pytest.fixture
def drawn(measured: dict[str, Any]) -> dict[str, Any]:
    """A map of six users and three latents."""
    rates = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    return {
        "embedding_version": measured["embedding"]["version"], "users": 900, "without_code": 11, "alike": 45,
        "trustworthiness": 0.9712,
        "latents": [
            latent(38, 0.1, 0.066, 0.043, 0.018, 0.027),
            latent(12, 0.3, 0.05, 0.051, -0.01, 0.01),
            latent(7, 0.2, 0.03, 0.055, -0.03, -0.02),
        ],
        "points": {"x": [0, 200, 400, 600, 800, 1000], "y": [0, 1000, 500, 1, 2, 3], "click_rate": rates,
                   "latent": [12, 7, 38, 99, 12, 12]},
    }  # fmt: skip


@pytest.fixture
def curve() -> dict[str, Any]:
    """What 10, 50 and 100 % of the users taught."""
    points = [
        {"share": share, "rows": round(228_612 * share), "clicks": round(10_500 * share), "auc": auc,
         "auc_ci": [auc - 0.01, auc + 0.01], "log_loss": log_loss}
        for share, auc, log_loss in ((0.1, 0.71, 0.1772), (0.5, 0.735, 0.1724), (1.0, 0.7391, 0.1714))
    ]  # fmt: skip
    return {"candidate": "lightgbm", "points": points}


@pytest.fixture
def weights() -> dict[str, Any]:
    """Three blocks: one that helps, one that harms, one that does neither."""
    blocks = [block("device_state", 0.0002), block("user_history", 0.0011), block("user_profile", -0.0006)]
    return {"candidate": "lightgbm", "blocks": blocks}


@pytest.fixture
def compared() -> dict[str, Any]:
    above = {"mean": 0.0131, "low": 0.0105, "high": 0.0186}
    return {
        "ds": "2026-02-11",
        "lakes": ["one", "two"],
        "users": 38_000,
        "sends": 102_345,
        "seeds": 3,
        "all_features": False,
        "embeddings": [
            embedding("<i>TopK</i>", 16, 0.7021, settings="k=8", fvu=0.5123, auc_against_svd=above, matched_share=0.81),
            embedding("TruncatedSVD, fp16", 16, 0.689),
            embedding("none", 0, 0.616),
        ],
        "not_measured": ["128 bytes"],
    }


@pytest.fixture
def metrics(measured: dict[str, Any], decision: dict[str, Any], extras: dict[str, Any]) -> Metrics:
    return assemble(measured, decision, **extras)


def embedding(name: str, budget: int, auc: float, **figures: Any) -> dict[str, Any]:
    own = {"name", "budget", "settings", "auc", "log_loss"}
    absent = dict.fromkeys(ComparedEmbedding.model_fields.keys() - own)
    return {"name": name, "budget": budget, "settings": "", "auc": auc, "log_loss": 0.19, **absent, **figures}


def block(name: str, gain: float) -> dict[str, Any]:
    bounds = [gain - 0.0005, gain + 0.0005]
    return {"block": name, "columns": 9, "log_loss_gain": gain, "log_loss_gain_ci": bounds} | {
        "auc_gain": 2 * gain, "auc_gain_ci": [2 * bound for bound in bounds]
    }  # fmt: skip


def feature(name: str, psi: float, nulls: float, mean: float | None, quantiles: list[float] | None) -> dict[str, Any]:
    shape = {"rows": ROWS, "nulls": nulls, "mean": mean, "quantiles": quantiles}
    return {"name": name, "psi": psi, **shape, "trained": shape | {"rows": 228_612, "nulls": 0.1}}


def model(
    name: str,
    family: str,
    auc: float,
    log_loss: float,
    ece: float,
    serving: int,
    p99: float,
    p50: float,
    fit_seconds: float | None,
) -> dict[str, Any]:
    skill = auc - 0.5
    return {
        "name": name,
        "family": family,
        "version": f"{abs(int(auc * 1e8)):012x}",
        "auc": auc,
        "auc_ci": [auc - 0.0104, auc + 0.0107],
        "log_loss": log_loss,
        "ece": ece,
        "n_features": 64 if "no_embedding" in name else 96,
        "fit_seconds": fit_seconds,
        "artifact_bytes": {"joblib": serving * 9, "serving": serving, "onnx": serving * 2},
        "serving_format": "onnx" if family == "random_forest" else "lightgbm_text",
        "latency_us": {"p50": p50, "p95": 0.9 * p99, "p99": p99, "n": 10_000}
        | {"engine_p50": 0.3 * p50, "engine_p95": 0.3 * p99, "engine_p99": 0.32 * p99}
        | {"cold_p50": 3 * p50, "cold_p95": 4 * p50, "cold_p99": 5 * p99, "cold_n": 200},
        "batch_rows_per_s": 91_234.5,
        "batch_rows_per_s_by_size": {"1": 9_876.5, "100": 61_234.5, "10000": 91_234.5},
        "mean_p": RATE * 1.02,
        "mean_y": RATE,
        "load_ms": 18.4,
        "cold_first_score_ms": 19.7,
        "peak_rss_bytes": 41_300_000,
        "peak_rss_over_numpy_bytes": 9_100_000,
        "calibration_bins": [
            {
                "p_mean": RATE * 0.16 * 1.33**i,
                "y_mean": RATE * 0.15 * 1.34**i * (1 + 0.12 * math.sin(3 * i)),
                "n": 2_701,
            }
            for i in range(15)
        ],
        "lift": [
            {"share_of_users": share / 100, "share_of_clicks": (share / 100) ** (1 - 1.9 * skill)}
            for share in range(1, 101)
        ],
        "by_platform": [
            {"platform": "android", "n": 28_114, "mean_y": 0.0472, "ece": 0.0026, "mean_p_over_mean_y": 1.013},
            {"platform": "ios", "n": 12_300, "mean_y": 0.0437, "ece": 0.0041, "mean_p_over_mean_y": 1.038},
            {"platform": "unknown", "n": 102, "mean_y": 0.0, "ece": None, "mean_p_over_mean_y": None},
        ],
        "by_cohort": [
            {"cohort": "known", "n": ROWS - 512, "mean_y": RATE, "ece": 0.0022, "mean_p_over_mean_y": 1.019},
            {"cohort": "new", "n": 512, "mean_y": RATE, "ece": 0.0163, "mean_p_over_mean_y": 0.874},
        ],
        "conversion_max_difference": 3e-8,
        "validation": {"log_loss": log_loss + 0.0013, "excess_log_loss_upper": 1.2 * (log_loss - 0.17142)},
    }


def part(rows: int, first: str, last: str) -> dict[str, Any]:
    return {"rows": rows, "clicks": round(rows * RATE), "first_as_of": first, "last_as_of": last}


def gates(name: str) -> list[dict[str, Any]]:
    few = "platform unknown, 102 rows, below min_rows 5000: reported, not gated"
    rows: list[tuple[str, float | None, float, str]] = [
        ("max_serving_bytes", 241_300, 5_000_000, ""),
        ("max_latency_p99_us", 84.6, 2_000, ""),
        ("max_conversion_difference", 3e-8, 1e-5, ""),
        ("min_holdout_rows", ROWS, 2_000, ""),
        ("min_gain_over_constant", 0.01618, 0.0001, ""),
        ("max_log_loss_over_champion", -0.00109, 0.001, ""),
        ("max_ece", 0.0021, 0.02, ""),
        ("min_mean_ratio", 1.02, 0.8, ""),
        ("platform.max_ece", 0.0026, 0.03, "platform android, 28,114 rows"),
        ("platform.max_ece", None, 0.03, few),
        ("cohort.max_ece", 0.0022, 0.03, f"known, {ROWS - 512:,} rows"),
    ]
    return [
        {"rule": rule, "candidate": name, "value": value, "limit": limit, "passed": True, "note": note}
        for rule, value, limit, note in rows
    ]


def ingested(
    table: str, read: int, accepted: int, quarantined: int, duplicates: int, not_yet_known: int
) -> dict[str, Any]:
    return {
        "table": table,
        "read": read,
        "accepted": accepted,
        "quarantined": quarantined,
        "duplicates": duplicates,
        "not_yet_known": not_yet_known,
    }


def latent(number: int, top_share: float, rate: float, rest: float, low: float, high: float) -> dict[str, Any]:
    drivers = [
        {"behaviour": f"clicks on category {number}", "without": 0.14, "having": 1.16},
        {"behaviour": "pushes on <b>news</b>", "without": 1.77, "having": 0.2},
    ]
    return {"latent": number, "user_share": 0.3, "top_share": top_share, "drivers": drivers, "click_rate": rate,
            "rest_click_rate": rest, "gap_ci": [low, high]}  # fmt: skip
