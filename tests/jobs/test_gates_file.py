"""A gates file that is not right stops the job with one line: which file, which rule, what was expected."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from jobs.errors import BadInput
from jobs.gates_file import read_gates

SHIPPED = resources.files("jobs").joinpath("gates.toml").read_text(encoding="utf-8")


def test_the_shipped_file_is_the_default(tmp_path: Path) -> None:
    copy = tmp_path / "gates.toml"
    copy.write_text(SHIPPED)
    assert read_gates() == read_gates(str(copy))


def test_every_rule_of_the_shipped_file_has_its_comment() -> None:
    lines = SHIPPED.splitlines()
    rules = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    uncommented = [lines[number] for number in rules if not lines[number - 1].startswith("#")]
    # a lower and an upper bound of the same thing share one
    assert {line.split(" = ")[0] for line in uncommented} <= {"min_mean_ratio", "max_mean_ratio"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_ece = ", "expected TOML"),
        (SHIPPED.replace("max_ece = 0.02", ""), "rule 'max_ece' is missing"),
        (SHIPPED.replace("max_ece = 0.03", ""), "rule 'platform.max_ece' is missing"),
        (
            SHIPPED.replace("[platform]", "min_auc = 0.7\n[platform]"),
            "unknown rule 'min_auc'; known are max_serving",
        ),
        (
            SHIPPED.replace("max_ece = 0.02", "max_ece = 'low'"),
            "rule 'max_ece': input should be a valid number, got 'low'",
        ),
        (
            SHIPPED.replace("max_ece = 0.02", "max_ece = nan"),
            "rule 'max_ece': input should be a finite number",
        ),
        (
            SHIPPED.replace("max_ece = 0.02", "max_ece = -1"),
            "rule 'max_ece': input should be greater than or equal to 0",
        ),
        ("", "rule 'max_serving_bytes' is missing"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as error:
        read_gates(str(path))
    assert str(error.value).startswith(f"gates file {path}: {complaint}")
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.toml: expected a readable TOML file: No such file"):
        read_gates(str(tmp_path / "absent.toml"))
    with pytest.raises(BadInput, match="expected a readable TOML file: Is a directory"):
        read_gates(str(tmp_path))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="expected a readable TOML file: not UTF-8 text"):
        read_gates(str(tmp_path / "binary"))
