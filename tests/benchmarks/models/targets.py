"""What the project promises of its models, and whether a run keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

MOST_AUC_LOST = 0.0005
"""What compression may cost, against the model as it was fitted."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one contender."""

    model: str
    n_bytes: int
    auc: float
    log_loss: float
    auc_lost: float
    """Against the first contender of the same model, which is as it was fitted: no leaf or threshold rounded."""
    log_loss_more: float
    latency: Mapping[str, float]
    """As `models.latency.latency_us` gives it, among contenders of its own speed."""
    beside_all: Mapping[str, float]
    """The same where all contenders take turns: a row of the default forest leaves the caches cold for the others."""
    cold_ms: Sequence[float]
    """Of each cold start."""
    rss: float | None


@dataclass(frozen=True)
class Target:
    """A promise, and what was found."""

    text: str
    found: str
    reached: bool


def targets(figures: Mapping[str, Figures], *, default: str, champion: str, forest: str, booster: str) -> list[Target]:
    """Hold figures to the promises; the last four name contenders (``booster`` is `Booster.predict`)."""
    best, plain, rf = figures[champion], figures[default], figures[forest]
    engine = figures[booster].latency["engine_p50"] / best.latency["engine_p50"]
    whole = plain.latency["engine_p50"] / best.latency["p50"]
    after = plain.beside_all["engine_p50"] / best.beside_all["p50"]
    share = best.n_bytes / plain.n_bytes
    own = next(one for one in figures.values() if one.model == rf.model)
    kept = rf.n_bytes / own.n_bytes
    return [
        Target(
            "champion, raw row to probability: p99 at most 100 us",
            f"{best.latency['p99']:.1f} us",
            best.latency["p99"] <= 100,
        ),
        Target("champion's engine: p50 at least 4 times faster than Booster.predict", f"{engine:.1f}", engine >= 4),
        Target("champion from the raw row: p50 at least 200 times faster than the default forest's on an encoded row",
               f"{whole:.0f} (just after it: {after:.0f})", whole >= 200),
        Target("champion's bundle: at most 0.1 % of the default forest's pickle, at 0.0005 AUC",
               f"{share:.3%}, {best.auc_lost:.6f}", share <= 0.001 and best.auc_lost <= MOST_AUC_LOST),
        Target("forest candidate's bundle: at most 3 % of its pickle, at 0.0005 AUC",
               f"{kept:.2%}, {rf.auc_lost:.6f}", kept <= 0.03 and rf.auc_lost <= MOST_AUC_LOST),
        Target("champion's cold start to the first probability: at most 250 ms",
               f"{median(best.cold_ms):.0f} ms", median(best.cold_ms) <= 250),
    ]  # fmt: skip


def quality_targets(
    holdout: Mapping[str, tuple[float, float]],
    champion: str,
    *,
    auc: float | None,
    log_loss: float | None,
    tolerance: float,
) -> list[Target]:
    """Hold candidates to what is promised of a log; ``holdout``: name -> AUC and log-loss on the hold-out."""
    found = []
    if auc is not None:
        best = max(one for one, _ in holdout.values())
        found.append(Target(f"best candidate's AUC on the hold-out: at least {auc}", f"{best:.4f}", best >= auc))
    if log_loss is not None:
        best = min(one for _, one in holdout.values())
        text = f"best candidate's log-loss on the hold-out: at most {log_loss}"
        found.append(Target(text, f"{best:.5f}", best <= log_loss))
        more = holdout[champion][1] - best
        text = f"champion's log-loss: at most {tolerance} more than the best candidate's"
        found.append(Target(text, f"{more:.5f}", more <= tolerance))
    return found
