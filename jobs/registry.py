"""The registry: versions of the published click model, and which of them is the champion.

A version is named by the hash of its bundle's learned content, so the same content is registered once. The
champion is an alias: it changes in one step, and going back is one more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jobs.errors import BadInput
from jobs.tracking import BUNDLE, Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL = "pushclick"
CHAMPION, PREVIOUS = "champion", "previous_champion"


@dataclass(frozen=True)
class Version:
    """A registered version."""

    number: str
    """MLflow's own number."""
    bundle_version: str
    """Hash of the learned content: the name that scores and reports use."""
    candidate: str
    """Name of the candidate it was."""
    ds: str
    """Day it was first measured for."""
    manifest_sha256: str
    """What its ``manifest.json`` must hash to."""
    run_id: str
    """The run that holds the bundle."""
    source: str
    """Where the bundle lies."""


class ChampionBundle(NamedTuple):
    """Files of a version, their manifest verified."""

    folder: Path
    version: Version
    manifest_sha256: str


def champion_bundle(tracking_uri: str | None, root: str) -> ChampionBundle | None:
    """Give the champion's bundle as a local folder (to be read only), or None when there is no champion.

    Raises
    ------
    BadInput
        When its manifest is not the one that was registered; see also `Tracking`.
    """
    registry = Registry(root, tracking_uri)
    version = registry.champion()
    return None if version is None else registry.bundle(version)


class Registry:
    """Versions and aliases of the click model; parameters and errors are those of `Tracking`."""

    def __init__(self, root: str, tracking_uri: str | None = None) -> None:
        self.tracking = Tracking(root, tracking_uri)

    def register(self, bundle: Path) -> Version:
        """Make a version of a measured bundle, or give the one that has the same learned content."""
        run = self.tracking.log_candidate_run(bundle)
        known = self.versions(f"tags.bundle_version = '{run.data.tags['bundle_version']}'")
        if known:
            return known[0]
        if not self._client.search_registered_models(f"name = '{MODEL}'"):
            self._client.create_registered_model(MODEL)
        tags = {name: run.data.tags[name] for name in ("bundle_version", "candidate", "ds", "manifest_sha256")}
        source = f"{run.info.artifact_uri}/{BUNDLE}"
        return _version(self._client.create_model_version(MODEL, source, run.info.run_id, tags=tags))

    def promote(self, version: Version) -> None:
        """Make a version the champion; `rollback` restores the one before."""
        champion = self.champion()
        if champion == version:
            return
        if champion is not None:
            self._client.set_registered_model_alias(MODEL, PREVIOUS, champion.number)
        self._client.set_registered_model_alias(MODEL, CHAMPION, version.number)

    def rollback(self) -> Version:
        """Make the champion before the present one the champion again, and give it.

        Raises
        ------
        BadInput
            When there is none.
        """
        champion, previous = self.champion(), self.previous_champion()
        if previous is None or previous == champion:
            present = champion.bundle_version if champion else "none"
            raise BadInput(f"no earlier champion to go back to in {self.tracking.uri}; the present one: {present}")
        self._client.set_registered_model_alias(MODEL, CHAMPION, previous.number)
        self._client.delete_registered_model_alias(MODEL, PREVIOUS)
        return previous

    def champion(self) -> Version | None:
        """Give the champion, or None."""
        return self._behind(CHAMPION)

    def previous_champion(self) -> Version | None:
        """Give the version that `rollback` restores, or None."""
        return self._behind(PREVIOUS)

    def versions(self, condition: str = "") -> list[Version]:
        """Give the versions that meet a condition, the newest first."""
        query = " and ".join(filter(None, (f"name = '{MODEL}'", condition)))
        found = self._client.search_model_versions(query, max_results=10_000)
        return [_version(version) for version in sorted(found, key=lambda version: -int(version.version))]

    def bundle(self, version: Version) -> ChampionBundle:
        """Give the files of a version.

        Raises
        ------
        BadInput
            When they are gone, or their manifest is not the one that was registered.
        """
        folder = self.tracking.fetch(version.source, manifest_sha256=version.manifest_sha256)
        return ChampionBundle(folder, version, version.manifest_sha256)

    def prune(self, *, keep: int, days: Collection[str]) -> int:
        """Delete old versions, and the runs that nothing needs any more; count the versions.

        Parameters
        ----------
        keep : int
            How many of the newest versions stay; the champion and the one before stay in any case.
        days : collection of str
            Runs of these days stay, and so do those of versions that stay.
        """
        if not self.tracking.exists():
            return 0
        versions = self.versions()
        kept = {*versions[:keep], self.champion(), self.previous_champion()}
        gone = [version for version in versions if version not in kept]
        for version in gone:
            self._client.delete_model_version(MODEL, version.number)
        self.tracking.prune(needed={version.run_id for version in kept if version}, days=days)
        return len(gone)

    @property
    def _client(self) -> MlflowClient:
        return self.tracking.client

    def _behind(self, alias: str) -> Version | None:
        if not self.tracking.exists():
            return None
        found = self._client.search_registered_models(f"name = '{MODEL}'")
        number = found[0].aliases.get(alias) if found else None
        return None if number is None else _version(self._client.get_model_version(MODEL, str(number)))


def _version(found: ModelVersion) -> Version:
    tags = found.tags
    return Version(
        str(found.version),
        tags["bundle_version"],
        tags["candidate"],
        tags["ds"],
        tags["manifest_sha256"],
        str(found.run_id),
        str(found.source),
    )
