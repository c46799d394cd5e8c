"""What a reader finds on the page, whatever the data holds."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from jobs.report.markdown import summary
from jobs.report.metrics import Metrics, assemble
from jobs.report.page import MOST_ROWS, render

MEGABYTE = 1_000_000
LOADING = {"src", "srcset", "href", "xlink:href", "data", "action", "poster", "background"}
HOSTILE = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"


class Loads(HTMLParser):
    """Collects every attribute that could load something, and every tag that is left open."""

    VOID = frozenset({"meta", "br", "wbr", "line", "circle", "rect", "polyline", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts = 0
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in LOADING]
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def text_of(page: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<wbr>", "", re.sub(r"<(?!wbr)[^>]*>", " ", body))))


def test_nothing_is_loaded_from_elsewhere(metrics: Metrics) -> None:
    page = render(metrics)
    found = Loads(page)
    assert found.addresses
    assert all(address.startswith("#") for address in found.addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert found.open == []


def test_every_link_of_the_page_has_a_target(metrics: Metrics) -> None:
    page = render(metrics)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {address.removeprefix("#") for address in Loads(page).addresses} <= set(ids)


def test_it_says_what_was_published_and_why(metrics: Metrics) -> None:
    text = text_of(render(metrics))
    assert "Published: lightgbm" in text
    assert "It predicts better than the 3 other candidates." in text
    assert "It passed all 10 gates that apply to it." in text
    assert "Version c81f20d9be07 now scores." in text


def test_speed_and_memory_of_a_cold_start_are_shown(metrics: Metrics) -> None:
    text = text_of(render(metrics))
    assert "19.7 ms loaded after 18.4 ms" in text
    assert "41.3 MB 9.1 MB over numpy" in text


def test_slices_are_shown_and_absent_ones_are_called_not_applicable(
    measured: dict[str, Any], decision: dict[str, Any]
) -> None:
    for candidate in measured["candidates"]:
        candidate["by_platform"] = []
    measured["champion"] = None
    text = text_of(render(assemble(measured, decision)))
    assert "new 512 0.87 0.0163" in text
    assert "calibration error, by cohort cohort.max_ece" in text
    assert "not applicable, the data names no platform." in text


def test_the_front_is_marked_in_table_and_pictures(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    page = render(assemble(measured, decision))
    assert page.count('class="ring"') == 2 * len(measured["pareto"])
    assert "lightgbm published on the front" in text_of(page)
    assert "random_forest on the front" not in text_of(page)
    assert "ring" not in text_of(render(assemble(measured | {"pareto": []}, decision))).split()


def test_every_choice_has_its_sentence(metrics: Metrics) -> None:
    text = text_of(render(metrics))
    assert "Chosen: it predicts best, and no other does as well, at 241,300 bytes." in text
    assert "Not eligible: it may lose up to 0.00553 nats a send to lightgbm, and 0.0008 is tolerated." in text


@pytest.mark.parametrize(
    ("half", "whole", "said"),
    [
        (0.1724, 0.1714, "the log-loss fell by 0.00100: more users would still help."),
        (0.1716, 0.1714, "the log-loss fell by only 0.00020: more users of the same kind would change little."),
        (0.1713, 0.1714, "the log-loss did not fall (0.00010 more): more users of the same kind would change little."),
    ],
)
def test_a_learning_curve_is_shown_where_there_is_one(
    measured: dict[str, Any], decision: dict[str, Any], curve: dict[str, Any], half: float, whole: float, said: str
) -> None:
    for point, log_loss in zip(curve["points"][1:], (half, whole), strict=True):
        point["log_loss"] = log_loss
    page = render(assemble(measured, decision, learning_curve=curve))
    assert f"From 50 % of the users to 100 % {said}" in text_of(page)
    assert "100 % 228,612 10,500 0.7391" in text_of(page)
    assert 'href="#learning"' in page
    assert 'id="learning"' not in render(assemble(measured, decision))


def test_blocks_are_shown_where_they_were_weighed(
    measured: dict[str, Any], decision: dict[str, Any], weights: dict[str, Any]
) -> None:
    page = render(assemble(measured, decision, block_weights=weights))
    text = text_of(page)
    said = "Surely missed: user_history. Better without: user_profile. For 1 of 3 the interval holds zero."
    assert said in text
    assert "user_history 9 0.00110 0.00060 to 0.00160 0.0022 0.0012 to 0.0032 helps device_state 9" in text
    assert 'href="#blocks"' in page
    assert 'id="blocks"' not in render(assemble(measured, decision))


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (0.25, "1 of the 2 features drifted beyond 0.25: user_sends_all (0.41)."),
        (0.5, "None of the 2 features has drifted beyond 0.5."),
    ],
)
def test_features_that_drifted_are_named(
    metrics: Metrics, measured: dict[str, Any], decision: dict[str, Any], limit: float, said: str
) -> None:
    page = render(metrics, drift_limit=limit)
    assert said in text_of(page)
    assert "user_sends_all 0.410 0.0 % 10.0 % 14.9 14.9 13 13 platform 0.012 4.3 % 10.0 %" in text_of(page)
    assert 'href="#features"' in page
    assert 'id="features"' not in render(assemble(measured, decision))


def test_drift_of_the_rows_to_be_scored_is_a_column_where_it_was_measured(
    measured: dict[str, Any], decision: dict[str, Any], metrics: Metrics
) -> None:
    features = [one.model_dump() for one in metrics.features]
    with_scored = [
        one | {"scored": one["trained"], "scored_psi": psi} for one, psi in zip(features, (0.1, 0.3), strict=True)
    ]
    found = assemble(measured, decision, features=with_scored)
    text = text_of(render(found))
    assert "Of the rows to be scored: 1 of the 2 features drifted beyond 0.25: platform (0.3)." in text
    assert "user_sends_all 0.410 0.100 0.0 % 10.0 %" in text
    assert "Drift of the rows to be scored: 1 of the 2 features" in summary(found)
    assert "to be scored" not in text_of(render(metrics)) + summary(metrics)


def test_every_format_of_any_model_is_a_column(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["candidates"][0]["artifact_bytes"] |= {"joblib_xz": 81_000}
    text = text_of(render(assemble(measured, decision)))
    assert "Model serving joblib joblib xz onnx 1 lightgbm 241 kB 2.17 MB 81 kB 483 kB 2 lightgbm_no_embed" in text


def test_the_smallest_of_equals_is_called_so(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["choice"]["eligible"] = ["lightgbm", "random_forest"]
    text = text_of(render(assemble(measured, decision)))
    assert "2 candidates predict practically equally well; this is the smallest" in text


def test_a_refusal_names_rule_value_and_limit(
    measured: dict[str, Any], refused: dict[str, Any], extras: dict[str, Any]
) -> None:
    text = text_of(render(assemble(measured, refused, **extras)))
    assert "Not published: lightgbm was refused" in text
    assert "lightgbm: log-loss above the champion's is 0.0021, the limit is at most 0.001." in text
    assert "The champion of before, version 07aa, goes on scoring." in text
    assert "max_log_loss_over_champion" in text


def test_after_a_refusal_the_key_figures_are_the_champions(
    measured: dict[str, Any], refused: dict[str, Any], extras: dict[str, Any]
) -> None:
    text = text_of(render(assemble(measured, refused, **extras)))
    assert "The champion reaches 0.7344, a gap of 0.0468." in text


def test_figures_of_another_version_are_not_passed_off_as_the_champions(
    measured: dict[str, Any], refused: dict[str, Any], extras: dict[str, Any]
) -> None:
    measured["champion"]["version"] = "measured before a rollback"
    text = text_of(render(assemble(measured, refused, **extras)))
    assert "The champion's AUC on this day is not known." in text


def test_when_all_are_left_out_their_gates_say_why(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    large = {"rule": "max_serving_bytes", "value": 6_000_000, "limit": 5_000_000, "passed": False, "note": ""}
    gates = [{"candidate": "lightgbm", **large}]
    left_out = decision | {"gates": gates, "chosen": None, "published": False, "champion": None}
    text = text_of(render(assemble(measured, left_out)))
    assert "Nothing published: no model qualified" in text
    assert "lightgbm: serving size is 6 MB, the limit is at most 5 MB." in text
    assert "There is no champion, so nobody is scored." in text


def test_a_first_run_has_no_champion_before(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["champion"] = None
    page = render(assemble(measured, decision))
    assert "champion before" not in page


def test_the_same_model_again_is_not_compared_with_itself(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["champion"] = measured["candidates"][0] | {"fit_seconds": None}
    assert "champion before" not in render(assemble(measured, decision))


def test_missing_parts_are_called_not_available(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    for candidate in measured["candidates"]:
        for key in (
            "calibration_bins",
            "lift",
            "by_platform",
            "by_cohort",
            "mean_p",
            "mean_y",
            "load_ms",
            "validation",
        ):
            del candidate[key]
    bare = measured | {"embedding": None, "champion": None, "choice": None, "machine": None}
    text = text_of(render(assemble(bare, decision)))
    for what in (
        "no gain curve was measured",
        "how the choice was made was not recorded",
        "no calibration bins were measured",
        "no embedding was trained",
        "no ingest counts were found",
        "nobody was scored in this run",
        "no earlier report to compare with",
    ):
        assert f"Not available: {what}." in text
    assert "None" not in text
    assert "Undefined" not in text


def test_a_run_without_candidates_still_has_a_page(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    empty = decision | {
        "gates": [],
        "chosen": None,
        "published": False,
        "reasons": ["no candidate is eligible"],
    }
    text = text_of(render(assemble(measured | {"candidates": [], "champion": None}, empty)))
    assert "no candidate is eligible" in text


def test_figures_that_could_not_be_measured_break_no_picture(
    measured: dict[str, Any], decision: dict[str, Any]
) -> None:
    unknown = {"auc": None, "auc_ci": None, "log_loss": None, "ece": None, "batch_rows_per_s": None}
    for candidate in measured["candidates"]:
        candidate |= unknown | {"latency_us": {"p50": None, "p99": None, "n": 0}}
        candidate["calibration_bins"] = [{"p_mean": 0.0, "y_mean": 0.0, "n": 10}]
    measured["champion"] = None
    assert "no model has an AUC" in text_of(render(assemble(measured, decision)))


def test_a_bin_without_clicks_is_drawn(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["candidates"][0]["calibration_bins"][0]["y_mean"] = 0.0
    assert "Predicted against actual" in render(assemble(measured, decision))


def test_names_from_the_data_are_escaped(
    measured: dict[str, Any], decision: dict[str, Any], extras: dict[str, Any]
) -> None:
    plain = Loads(render(assemble(measured, decision, **extras))).scripts
    for candidate in measured["candidates"]:
        candidate["by_platform"][0]["platform"] = HOSTILE
        candidate["serving_format"] = HOSTILE
    measured["candidates"][1]["name"] = HOSTILE
    measured["machine"] = {HOSTILE: HOSTILE}
    measured["choice"]["rule"] = HOSTILE
    decision["gates"][0] |= {"note": HOSTILE, "rule": HOSTILE}
    extras["ingest"][0]["table"] = HOSTILE
    extras["audience"]["left_out"][HOSTILE] = 1
    extras["campaigns"][0]["campaign_id"] = HOSTILE
    page = render(assemble(measured, decision, **extras), registry=HOSTILE)
    assert "<script>alert" not in page
    assert Loads(page).scripts == plain
    assert HOSTILE in unescape(page)


def test_only_the_pages_own_script_may_run(metrics: Metrics) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', render(metrics))
    assert policy
    assert "default-src 'none'" in policy[1]
    assert re.search(r"script-src 'sha256-[\w+/=]+'$", policy[1])


def test_a_password_of_the_registry_is_not_shown(metrics: Metrics) -> None:
    page = render(metrics, registry="postgresql://me:secret@db.example/mlflow?password=secret")
    assert "secret" not in page
    assert "postgresql://db.example/mlflow" in page


def test_the_page_stays_small_whatever_the_data_holds(
    measured: dict[str, Any], decision: dict[str, Any], extras: dict[str, Any]
) -> None:
    long = "a_very_long_name" * 200
    slices = [{"platform": f"{long}{i}", "n": 9, "ece": 0.1, "mean_p_over_mean_y": 1.0} for i in range(3_000)]
    for candidate in (*measured["candidates"], measured["champion"]):
        candidate["by_platform"] = slices
    note = {"value": 1.0, "limit": 2.0, "passed": True, "note": long}
    decision["gates"] = [
        {"rule": f"{long}{i}", "candidate": name, **note} for i in range(3_000) for name in ("lightgbm", long)
    ]
    extras["campaigns"] = [extras["campaigns"][0] | {"campaign_id": long}] * 10_000
    extras["audience"]["left_out"] = {f"{long}{i}": 1 for i in range(1_000)}
    page = render(assemble(measured, decision, **extras), registry=long)
    assert len(page.encode()) < MEGABYTE
    assert f"{10_000 - MOST_ROWS:,} more rows are in metrics.json." in page


def test_history_shows_earlier_days_only(metrics: Metrics) -> None:
    shifted = [metrics.model_copy(update={"ds": metrics.ds + timedelta(days=days)}) for days in (-2, -1, 0, 1)]
    page = render(metrics, shifted)
    assert "Quality over time" in page
    rows = page[page.index('aria-label="History"') : page.index('id="glossary"')]
    days = [date.fromisoformat(day) for day in re.findall(r'<th scope="row">(\d{4}-\d\d-\d\d)', rows)]
    assert days == [metrics.ds - timedelta(days=back) for back in (0, 1, 2)]


def test_history_is_the_last_thirty_runs(metrics: Metrics) -> None:
    earlier = [metrics.model_copy(update={"ds": metrics.ds - timedelta(days=back)}) for back in range(1, 50)]
    assert "30 runs; the last one is" in render(metrics, earlier)


def test_the_order_of_history_does_not_matter(metrics: Metrics) -> None:
    earlier = [metrics.model_copy(update={"ds": metrics.ds - timedelta(days=back)}) for back in (3, 1, 2)]
    assert render(metrics, earlier) == render(metrics, sorted(earlier, key=lambda one: one.ds))


@pytest.mark.parametrize(
    ("log_loss", "said"),
    [
        (0.1750, "The embedding earned its place: lightgbm predicts better with it."),
        (0.1716, "The embedding did not earn its place: lightgbm alone does as well."),
        (0.1712, "The embedding did not earn its place: lightgbm alone does as well."),
        (0.1700, "The embedding did not earn its place: lightgbm alone does better."),
    ],
)
def test_the_embedding_is_judged_against_the_twin_without_it(
    measured: dict[str, Any], decision: dict[str, Any], log_loss: float, said: str
) -> None:
    measured["candidates"][1]["log_loss"] = log_loss
    assert said in text_of(render(assemble(measured, decision)))


def test_rows_that_do_not_add_up_are_marked(
    measured: dict[str, Any], decision: dict[str, Any], extras: dict[str, Any]
) -> None:
    extras["ingest"] = [extras["ingest"][0] | {"accepted": 1}]
    rows = text_of(render(assemble(measured, decision, **extras)))
    assert "✕ no" in rows[rows.index("Adds up") : rows.index("Rows by part")]


def test_propensity_is_not_sold_as_uplift(metrics: Metrics) -> None:
    assert "A likely click is not an effect." in text_of(render(metrics))
