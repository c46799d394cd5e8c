"""The list of features, and the schema that crosses to the models."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

from features import catalogue
from features.catalogue import as_markdown, feature_schema, features_of
from features.contract import TABLES

OPTIONAL = ("app_events", "users", "devices", "campaigns", "opt_outs")


def test_names_are_unique_and_every_feature_says_what_it_means() -> None:
    features = features_of(TABLES)
    assert len({feature.name for feature in features}) == len(features)
    for feature in features:
        assert all((feature.meaning, feature.unit, feature.window, feature.null_meaning)), feature.name
        assert feature.kind == ("categorical" if feature.type == "string" else "numeric")


def test_an_absent_table_leaves_out_its_features_only() -> None:
    everything = {feature.name for feature in features_of(TABLES)}
    without = {table: everything - {f.name for f in features_of(set(TABLES) - {table})} for table in OPTIONAL}
    assert without["app_events"] > {"app_events_7d", "app_hours_since_last_event"}
    assert without["users"] == {"user_tenure_days", "user_is_new", "country", "language"}
    assert without["opt_outs"] == {"user_opt_outs_all", "user_uninstalls_all", "user_days_since_left"}
    assert "push_enabled" in without["devices"]
    assert without["campaigns"] > {"campaign_category", "title_length", "has_image", "user_category_sends_7d"}
    assert all(not one & other for one, other in combinations(without.values(), 2))


def test_the_hash_follows_the_features() -> None:
    assert feature_schema(TABLES)["hash"] == feature_schema(sorted(TABLES))["hash"]
    hashes = {feature_schema(set(TABLES) - {table})["hash"] for table in OPTIONAL}
    assert len(hashes) == len(OPTIONAL)


def test_the_written_catalogue_is_that_of_the_code() -> None:
    written = Path(catalogue.__file__).with_name("CATALOGUE.md").read_text()
    assert written == as_markdown(), "run: python -m features.catalogue > features/CATALOGUE.md"
