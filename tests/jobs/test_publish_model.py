"""What publish_model publishes, what it refuses, and that it can be run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.errors import BadInput, Refused
from jobs.lake import Lake
from jobs.publish_model import arg_parser, run
from jobs.registry import Registry, champion_bundle

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MONDAY, TUESDAY = date(2026, 2, 2), date(2026, 2, 3)
Publish = Callable[..., None]


def entry(name: str, **measures: Any) -> dict[str, Any]:
    """Measures that pass every shipped gate."""
    return {
        "name": name,
        "log_loss": 0.17,
        "ece": 0.004,
        "mean_p": 0.041,
        "mean_y": 0.04,
        "artifact_bytes": {"serving": 90_000, "joblib": 200_000},
        "latency_us": {"p50": 30.0, "p99": 80.0, "n": 2_000},
        "conversion_max_difference": 0.0,
        "by_platform": [],
        "by_cohort": [],
        "validation": {"log_loss": 0.17, "excess_log_loss_upper": 0.0},
        **measures,
    }


@pytest.fixture
def lake(spark: SparkSession, root: str) -> Lake:
    return Lake(spark, root)


@pytest.fixture
def measured(lake: Lake, tmp_path: Path, put_bundle: Callable[..., Path]) -> Callable[..., None]:
    """Write the ``measured`` artefact of a day; a candidate's model is its name and the day."""

    def put(ds: date, *entries: dict[str, Any], champion: object = None) -> None:
        folder = tmp_path / f"measured {ds} {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for measures in entries:
            name = measures["name"]
            bundle = put_bundle(folder / name, content=f"{name} {ds}", ds=str(ds), measures=measures)
            measures["version"] = json.loads((bundle / "manifest.json").read_text())["version"]
        everything = {
            "ds": str(ds),
            "rows": {"train": 90_000, "holdout": 20_000},
            "constant_log_loss": 0.18,
            "candidates": list(entries),
            "champion": champion,
            "choice": {"tolerance": 0.0008},
            "drift": {name: {"feature": "tenure", "value": 0.0} for name in ("psi", "null_rise")},
        }
        (folder / "measures.json").write_text(json.dumps(everything))
        lake.put_folder("measured", ds, folder)

    return put


@pytest.fixture
def publish(spark: SparkSession, root: str) -> Publish:
    def call(*arguments: str) -> None:
        run(spark, arg_parser().parse_args(["--root", root, *arguments]))

    return call


def champion_version(root: str) -> str | None:
    champion = Registry(root).champion()
    return champion.bundle_version if champion else None


def numbers(root: str) -> list[str]:
    return [version.number for version in Registry(root).versions()]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_published_bytes_are_the_measured_bytes(lake, measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    champion = champion_bundle(None, root)
    assert champion is not None
    assert hashes(champion.folder) == hashes(lake.get_folder("measured", MONDAY) / "lightgbm")
    manifest = (champion.folder / "manifest.json").read_bytes()
    assert champion.manifest_sha256 == hashlib.sha256(manifest).hexdigest()
    decision = lake.get_json("decision", MONDAY)
    assert (decision["published"], decision["chosen"]) == (True, "lightgbm")
    assert decision["champion"] == json.loads(manifest)["version"] == champion.version.bundle_version
    assert all(gate["passed"] for gate in decision["gates"])


def test_the_smallest_eligible_that_passes_the_resource_gates_is_published(lake, measured, publish) -> None:
    measured(
        MONDAY,
        entry("large", artifact_bytes={"serving": 400_000, "joblib": 1}),
        entry("medium", artifact_bytes={"serving": 50_000, "joblib": 1}),
        entry("small and slow", artifact_bytes={"serving": 1_000, "joblib": 1}, latency_us={"p99": 9_000.0}),
    )
    publish("--ds", str(MONDAY))
    decision = lake.get_json("decision", MONDAY)
    assert (decision["published"], decision["chosen"]) == (True, "medium")
    assert decision["reasons"][0] == (
        "left out of the choice: max_latency_p99_us of small and slow is 9000, limit 2000"
    )


def test_publishing_the_same_again_changes_nothing(lake, measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"), entry("forest"))
    publish("--ds", str(MONDAY))
    first, version = lake.get_json("decision", MONDAY), champion_version(root)
    # measured again: the same models, another latency, and now there is a champion, which is the chosen one
    again = entry("lightgbm", latency_us={"p99": 81.0})
    measured(MONDAY, again, entry("forest"), champion={"version": version, "log_loss": 0.17})
    publish("--ds", str(MONDAY))
    assert champion_version(root) == version
    assert numbers(root) == ["1"]
    assert len(list(Registry(root).tracking.runs())) == 2
    second = lake.get_json("decision", MONDAY)
    times = ("max_latency_p99_us",)
    assert [gate for gate in second["gates"] if gate["rule"] not in times] == [
        gate for gate in first["gates"] if gate["rule"] not in times
    ]
    assert {**second, "gates": None} == {**first, "gates": None}


def test_a_refusal_names_rule_value_and_limit_and_keeps_the_old_champion(lake, measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    old = champion_version(root)
    measured(TUESDAY, entry("lightgbm", ece=0.031), champion={"version": old, "log_loss": 0.17})
    with pytest.raises(Refused, match=r"max_ece of lightgbm is 0\.031, limit 0\.02"):
        publish("--ds", str(TUESDAY))
    assert champion_version(root) == old
    assert numbers(root) == ["1"]
    decision = lake.get_json("decision", TUESDAY)
    assert (decision["published"], decision["chosen"], decision["champion"]) == (False, "lightgbm", old)
    assert decision["reasons"] == ["refused: max_ece of lightgbm is 0.031, limit 0.02"]


def test_a_worse_model_than_the_champion_is_refused(measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    champion = {"version": champion_version(root), "log_loss": 0.16}
    measured(TUESDAY, entry("lightgbm"), champion=champion)
    with pytest.raises(Refused, match=r"max_log_loss_over_champion of lightgbm is 0\.01, limit 0\.001"):
        publish("--ds", str(TUESDAY))


@pytest.mark.parametrize(
    "champion",
    [
        None,
        {"log_loss": 0.2},
        {"version": "of another one", "log_loss": 0.2},
        {"error": "column age is gone"},
    ],
)
def test_a_champion_that_was_not_measured_is_never_replaced(measured, publish, champion) -> None:
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    measured(TUESDAY, entry("lightgbm"), champion=champion)
    with pytest.raises(Refused, match=r"max_log_loss_over_champion of lightgbm is unknown, limit 0\.001"):
        publish("--ds", str(TUESDAY))


def test_a_champion_among_the_candidates_was_measured_with_them(lake, measured, publish, root) -> None:
    small = entry("small", artifact_bytes={"serving": 1_000, "joblib": 1})
    measured(MONDAY, small, entry("large", log_loss=0.1695))
    publish("--ds", str(MONDAY))
    first = champion_version(root)
    # measured again without a look at the registry: now the champion is too slow to be chosen
    measured(MONDAY, {**small, "latency_us": {"p99": 9_000.0}}, entry("large", log_loss=0.1695))
    publish("--ds", str(MONDAY))
    assert champion_version(root) != first
    gates = lake.get_json("decision", MONDAY)["gates"]
    excess = {gate["candidate"]: gate["value"] for gate in gates if gate["rule"] == "max_log_loss_over_champion"}
    assert excess == {"small": 0.0, "large": pytest.approx(-0.0005)}


def test_nobody_to_choose_is_a_refusal(lake, measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm", artifact_bytes={"joblib": 1}))
    with pytest.raises(Refused, match="max_serving_bytes of lightgbm is unknown, limit 5,000,000"):
        publish("--ds", str(MONDAY))
    decision = lake.get_json("decision", MONDAY)
    assert (decision["published"], decision["chosen"], decision["champion"]) == (False, None, None)
    assert champion_bundle(None, root) is None


def test_rollback_restores_the_champion_before(measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    with pytest.raises(BadInput, match="no earlier champion to go back to"):
        publish("--rollback")
    old = champion_version(root)
    measured(TUESDAY, entry("lightgbm"), champion={"version": old, "log_loss": 0.17})
    publish("--ds", str(TUESDAY))
    assert champion_version(root) != old
    publish("--rollback", "--ds", str(TUESDAY))
    assert champion_version(root) == old
    with pytest.raises(BadInput, match="no earlier champion to go back to"):
        publish("--rollback")


def test_a_bundle_that_is_not_the_measured_one_is_not_published(lake, measured, publish, root) -> None:
    measured(MONDAY, entry("lightgbm"))
    (lake.get_folder("measured", MONDAY) / "lightgbm" / "model.txt").write_text("trained again")
    with pytest.raises(BadInput, match=r"model\.txt: expected sha256"):
        publish("--ds", str(MONDAY))
    assert champion_version(root) is None


def test_bad_input_writes_nothing(measured, publish, root, tmp_path: Path) -> None:
    Path(root, "mlflow.db").unlink()
    with pytest.raises(BadInput, match="no 'measured' of 2026-02-02"):
        publish("--ds", str(MONDAY))
    measured(MONDAY, entry("lightgbm"))
    with pytest.raises(BadInput, match="gates file"):
        publish("--ds", str(MONDAY), "--gates", str(tmp_path / "absent.toml"))
    with pytest.raises(BadInput, match="expected --ds"):
        publish()
    assert sorted(path.name for path in Path(root).iterdir()) == ["measured"]


def test_nothing_is_printed_but_our_own_line(measured, publish, root, capfd) -> None:
    Path(root, "mlflow.db").unlink()
    measured(MONDAY, entry("lightgbm"))
    publish("--ds", str(MONDAY))
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [line for line in err.splitlines() if line.startswith("published: the champion is")]
