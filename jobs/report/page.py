"""The report as one HTML file: no script, style, font or picture is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from jobs.report import (
    anomalies,
    blocks,
    embedding_comparison,
    embedding_effect,
    embedding_map,
    gains,
    health,
    latencies,
    learning,
    numbers,
    outcomes,
    past,
    rules,
    shown,
    sizes,
    slices,
    tradeoff,
    wording,
)
from jobs.report.charts import shorten
from jobs.report.metrics import Metrics

MOST_ROWS = 50
"""Rows of a table whose length comes from the data; the rest is counted, and whole in ``metrics.json``."""

MOST_COMPARED = 100
"""Rows of the comparison of embeddings, which a benchmark wrote."""

SCRIPTS = ("sort.js", "pictures.js")

FILTERS = {
    "count": numbers.count,
    "fixed": numbers.fixed,
    "interval": numbers.interval,
    "micros": numbers.micros,
    "percent": numbers.percent,
    "percent_column": numbers.percent_column,
    "significant": numbers.significant,
    "size": numbers.size,
    "short": lambda value: shorten(str(value), 90),
    "name": lambda value: _breakable(shorten(str(value), 90)),
}


def render(
    metrics: Metrics,
    history: Sequence[Metrics] = (),
    *,
    registry: str | None = None,
    drift_limit: float = health.DRIFT_LIMIT,
    catalogue: str | None = None,
) -> str:
    """Write the page of one run.

    Parameters
    ----------
    metrics : Metrics
        The run.
    history : sequence of Metrics
        Other runs in any order; only those of earlier days are shown.
    registry : str, optional
        URI of the MLflow store; a name and password in it are not shown.
    drift_limit : float
        Population stability index above which a feature is named.
    catalogue : str, optional
        Where the feature catalogue lies, from the page.

    Returns
    -------
    str
        A whole HTML document, below 1 MB whatever the data holds.
    """
    script = "".join(_text(name) for name in SCRIPTS)
    template = _environment().get_template("template.html.j2")
    return template.render(
        m=metrics,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_text("page.css"),
        most=MOST_ROWS,
        comparison_most=MOST_COMPARED,
        anomalies_shown=anomalies.SHOWN,
        rules=rules,
        blocks=blocks.ranked(metrics.block_weights),
        block_judgement=blocks.judgement,
        registry=_without_secrets(registry),
        catalogue=catalogue,
        held=gains.clicks_held,
        drift_sentence=health.sentence(metrics.features, drift_limit),
        scoring_sentence=health.sentence(health.of_scored(metrics.features), drift_limit),
        drifted=health.drifted(metrics.features, drift_limit),
        hidden=[anchor for anchor, found in _optional(metrics).items() if not found],
        **_models(metrics),
        **_map(metrics),
        **_sentences(metrics),
        **_pictures(metrics),
        **_past(metrics, history),
    )


def _optional(metrics: Metrics) -> dict[str, object]:
    """Sections that are there only with their figures, by anchor."""
    return {
        "comparison": metrics.embedding_comparison,
        "blocks": metrics.block_weights,
        "features": metrics.features,
        "learning": metrics.learning_curve,
        "lookalikes": metrics.lookalikes,
        "anomalies": metrics.anomalies,
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _text(name: str) -> str:
    """Read a file beside this module, which may lie in a zip."""
    return resources.files("jobs.report").joinpath(name).read_text(encoding="utf-8")


def _breakable(name: str) -> Markup:
    """Let a long name break after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def _without_secrets(uri: str | None) -> str | None:
    if uri is None:
        return None
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _models(metrics: Metrics) -> dict[str, Any]:
    service = shown.in_service(metrics)
    models = shown.all_models(metrics)
    return {
        "models": models,
        "formats": shown.formats(models),
        "compared": shown.compared(metrics),
        "service": service,
        "leading": service or next((one for one in models if one.kind == "chosen"), None),
    }


def _sentences(metrics: Metrics) -> dict[str, Any]:
    first = next(iter(shown.compared(metrics)), None)
    return {
        "left_out": rules.left_out(metrics),
        "headline": wording.headline(metrics),
        "gain_sentence": wording.gain_sentence(first),
        "calibration_sentence": wording.calibration_sentence(first),
        "embedding_verdict": embedding_effect.verdict(metrics),
        "embedding_pairs": embedding_effect.pairs(metrics),
        "comparison_sentence": embedding_comparison.sentence(metrics.embedding_comparison),
        "ceiling": wording.ceiling(metrics),
        "anomaly_sentence": anomalies.sentence(metrics.anomalies),
        "blocks_sentence": blocks.sentence(metrics.block_weights),
        "learning_sentence": learning.sentence(metrics.learning_curve, _tolerance(metrics)),
    }


def _map(metrics: Metrics) -> dict[str, Any]:
    found = embedding_map.shown(metrics)
    return {
        "map": found,
        "map_sentence": embedding_map.sentence(found),
        "map_colours": embedding_map.colours(found) if found else {},
        "map_picture": embedding_map.picture(found),
        "latent_words": embedding_map.in_words,
    }


def _tolerance(metrics: Metrics) -> float:
    return (metrics.choice and metrics.choice.tolerance) or 0.0


def _pictures(metrics: Metrics) -> dict[str, Any]:
    models, compared = shown.all_models(metrics), shown.compared(metrics)
    size, latency = (rules.limit_of(metrics, rule) for rule in ("max_serving_bytes", "max_latency_p99_us"))
    return {
        "size_limit": size,
        "latency_limit": latency,
        "size_chart": tradeoff.quality_against_size(models, size),
        "latency_chart": tradeoff.quality_against_latency(models, latency),
        "reliability_chart": outcomes.reliability(compared),
        "platform_chart": slices.by_platform(compared),
        "gain_chart": gains.gain(compared),
        "lift_chart": gains.lift(compared),
        "format_chart": sizes.size_by_format(models),
        "spread_chart": latencies.latency_spread(models, latency),
        "block_chart": blocks.picture(metrics.block_weights),
        "learning_chart": learning.picture(metrics.learning_curve),
    }


def _past(metrics: Metrics, history: Sequence[Metrics]) -> dict[str, Any]:
    runs = past.runs(metrics, history)
    charts = (past.quality_over_time(runs), past.latency_over_time(runs), past.size_over_time(runs))
    return {"runs": runs, "history_charts": [chart for chart in charts if chart]}
