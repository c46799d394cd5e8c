"""The report in short, as Markdown for a chat message: what was decided and why, and the figures behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from jobs.report import health, numbers, rules, wording
from jobs.report.charts import shorten
from jobs.report.measures import Candidate
from jobs.report.metrics import Gate, Metrics
from jobs.report.shown import Shown, all_models, champion_before

MOST_CHARACTERS = 3_500
"""What many chats take as one message; the parts below are cut so that their sum stays under it."""

MOST_MODELS, MOST_GATES = 10, 5
"""Rows of the table and refusals that are told; the rest is counted."""

NAME, SENTENCE, PARAGRAPH = 28, 150, 600
"""Longest name, gate or sentence, and paragraph."""

PLAIN = str.maketrans({"|": "/", "`": "'", "<": "(", ">": ")", "[": "(", "]": ")", "*": "", "@": "@\N{WORD JOINER}"})
"""What a chat would read as markup, a link or a mention, and what stands for it."""


def summary(metrics: Metrics, *, drift_limit: float = health.DRIFT_LIMIT) -> str:
    """Write the report of a run in short.

    Parameters
    ----------
    metrics : Metrics
        The run.
    drift_limit : float
        Population stability index above which a feature is named.

    Returns
    -------
    str
        Markdown of at most ``MOST_CHARACTERS`` characters, whatever the data holds.
    """
    refusals = _refusals(metrics)
    parts = (
        _decision(metrics, refusals),
        _table(metrics),
        _gates(metrics, refusals),
        _against_before(metrics),
        _rest(metrics, drift_limit),
    )
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _refusals(metrics: Metrics) -> tuple[Gate, ...]:
    return rules.refused(metrics, metrics.chosen) if metrics.chosen else rules.left_out(metrics)


def _decision(metrics: Metrics, refusals: Sequence[Gate]) -> Iterator[str]:
    said = wording.headline(metrics)
    sentences = said.sentences[-1:] if refusals else said.sentences  # the gates say the rest
    sign = "✓" if said.tone == "good" else "✕"
    yield f"**pushclick {metrics.ds} {sign} {_plain(said.title, SENTENCE)}**"
    yield ""
    yield _plain(" ".join(sentences), PARAGRAPH)


def _table(metrics: Metrics) -> Iterator[str]:
    models = all_models(metrics)
    if not models:
        return
    yield "| model | AUC | log-loss | bytes | p99 |"
    yield "|---|--:|--:|--:|--:|"
    important = sorted(models, key=lambda one: one.kind == "other")
    for one in sorted(important[:MOST_MODELS], key=lambda one: one.number):
        figures = (
            numbers.fixed(one.measures.auc),
            numbers.fixed(one.measures.log_loss, 5),
            numbers.size(one.measures.serving_bytes),
            numbers.micros(one.measures.latency_us.p99),
        )
        yield f"| {_name(metrics, one)} | {' | '.join(figures)} |"
    if len(models) > MOST_MODELS:
        yield f"\n{len(models) - MOST_MODELS} more models are in the report."


def _name(metrics: Metrics, one: Shown) -> str:
    name = f"`{_plain(one.measures.name, NAME)}`"
    if one.kind == "chosen":
        return f"**{name}** {'published' if metrics.published else 'refused'}"
    return f"{name} {one.label}" if one.kind == "before" else name


def _gates(metrics: Metrics, failed: Sequence[Gate]) -> Iterator[str]:
    applied = [gate for gate in metrics.gates if gate.candidate == metrics.chosen and gate.applied]
    if metrics.chosen:
        yield f"Gates: {len(applied) - len(failed)} of {len(applied)} passed."
    for gate in failed[:MOST_GATES]:
        yield f"- ✕ {_plain(rules.refusal(gate), SENTENCE)}"
    if len(failed) > MOST_GATES:
        yield f"- {len(failed) - MOST_GATES} more refused"


def _against_before(metrics: Metrics) -> Iterator[str]:
    before, chosen = champion_before(metrics), metrics.candidate(metrics.chosen)
    if metrics.champion_before_error:
        yield f"The champion of before could not be measured: {_plain(metrics.champion_before_error, SENTENCE)}"
    if before is None or chosen is None:
        return
    told = (
        _difference("AUC", chosen.auc, before.measures.auc, numbers.fixed),
        _difference("log-loss", chosen.log_loss, before.measures.log_loss, lambda value: numbers.fixed(value, 5)),
        _ratio("bytes", chosen.serving_bytes, before.measures.serving_bytes),
        _ratio("p99", _p99(chosen), _p99(before.measures)),
    )
    yield f"Beside the {before.label}, on the same sends: {', '.join(one for one in told if one)}."


def _difference(name: str, now: float | None, then: float | None, text: Callable[[float], str]) -> str | None:
    if now is None or then is None:
        return None
    return f"{name} {'+' if now > then else ''}{text(now - then)}"


def _ratio(name: str, now: float | None, then: float | None) -> str | None:
    return f"{name}{numbers.TIMES}{numbers.significant(now / then)}" if now and then else None


def _p99(one: Candidate) -> float | None:
    return one.latency_us.p99


def _rest(metrics: Metrics, drift_limit: float) -> Iterator[str]:
    drift = health.sentence(metrics.features, drift_limit)
    if drift:
        yield f"Drift: {_plain(drift, 2 * SENTENCE)}"
    scoring = health.sentence(health.of_scored(metrics.features), drift_limit)
    if scoring:
        yield f"Drift of the rows to be scored: {_plain(scoring, 2 * SENTENCE)}"
    if metrics.audience:
        users, campaigns = numbers.count(metrics.audience.users), numbers.count(metrics.audience.campaigns)
        yield f"Scored: {numbers.count(metrics.audience.scored)} pairs of {users} users and {campaigns} campaigns."


def _plain(text: str, most: int) -> str:
    """Cut a text, and take out of it what a chat would act on."""
    return shorten(re.sub(r"[ \r\n\t]+", " ", text).translate(PLAIN), most)
