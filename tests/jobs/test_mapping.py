from __future__ import annotations

from pathlib import Path

import pytest

import jobs
from features.bots import BotRules
from features.contract import TABLES
from jobs.errors import BadInput
from jobs.mapping import read_mapping

GOOD = """
[time]
zone = "Europe/Rome"
attribution_window = "12h"
lateness_allowance = "90m"
ready_lag = "0h"
[sends.columns]
send_id = "id"
user_id = "user"
campaign_id = "campaign"
sent_at = "at"
ingested_at = "at + INTERVAL 1 HOUR"
[clicks.columns]
send_id = "id"
clicked_at = "at"
action = "'open'"
ingested_at = "at"
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "my.toml"
    path.write_text(text)
    return str(path)


def test_a_mapping_by_path(tmp_path: Path) -> None:
    mapping = read_mapping(written(tmp_path, GOOD))
    assert (mapping.time.rules().attribution_window_s, mapping.time.rules().lateness_allowance_s) == (43_200, 5_400)
    assert mapping.tables["sends"].columns["ingested_at"] == "at + INTERVAL 1 HOUR"
    assert mapping.bots.rules().active == ()


def test_rules_on_bots(tmp_path: Path) -> None:
    mapping = read_mapping(
        written(
            tmp_path,
            GOOD.replace("[time]", "[bots]\nmin_reaction_ms = 200\nmax_sends_a_day = 50\nflag_days = 30\n[time]"),
        )
    )
    assert mapping.bots.rules() == BotRules(min_reaction_ms=200, max_sends_a_day=50, flag_days=30)


@pytest.mark.parametrize("name", ["wns2019", "simulator"])
def test_shipped_mappings_keep_the_contract(name: str) -> None:
    assert set(read_mapping(name).tables) <= set(TABLES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[sends.columns]", "[sents.columns]"), "unknown table 'sents', expected one of sends"),
        (('user_id = "user"', 'user = "user"'), "table sends: unknown column 'user'"),
        (('campaign_id = "campaign"', ""), "table sends: mandatory column 'campaign_id' is not mapped"),
        (('"12h"', '"half a day"'), "time.attribution_window: .*expected a duration"),
        (('"Europe/Rome"', '"Rome"'), "expected an IANA time zone"),
        (("[time]", "[time"), "expected TOML"),
        (("[time]", "[bots]\nmin_reaction_ms = 0\n[time]"), "bots.min_reaction_ms: .*greater than 0"),
        (("[time]", "[bots]\nflag_days = 0\n[time]"), "bots.flag_days: .*greater than 0"),
        (("[time]", "[bots]\nmax_users = 9\n[time]"), "bots.max_users: "),
        (("[time]", "[bots]\nmax_users_a_device = 9\n[time]"), "counts rows of 'devices', which has no section"),
    ],
)
def test_a_wrong_mapping_is_one_clear_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        read_mapping(written(tmp_path, GOOD.replace(*change)))
    assert "\n" not in str(caught.value)
    assert "my.toml" in str(caught.value)


def test_a_mandatory_table_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="table 'clicks' is mandatory"):
        read_mapping(written(tmp_path, GOOD.partition("[clicks.columns]")[0]))


@pytest.mark.parametrize(
    ("name", "message"),
    [("wns", "expected one of simulator, wns2019"), ("gone.toml", "gone.toml: No such file")],
)
def test_no_such_mapping(name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_mapping(name)


def test_kinds_of_app_events_are_named_where_they_are_mapped(tmp_path: Path) -> None:
    shipped = read_mapping("simulator")
    assert shipped.kinds == ("app_open", "inbox_view")
    text = (Path(jobs.__file__).parent / "mappings" / "simulator.toml").read_text()
    for old, new, said in (
        (
            'kinds = ["app_open", "inbox_view"]',
            'kinds = ["app open"]',
            "tables.app_events.kinds.0: String should match",
        ),
        ("[clicks]\n", '[clicks]\nkinds = ["open"]\n', "table clicks: kinds are of app_events only"),
    ):
        path = tmp_path / "changed.toml"
        path.write_text(text.replace(old, new))
        with pytest.raises(BadInput, match=said):
            read_mapping(str(path))
