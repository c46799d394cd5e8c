"""Tracking: the MLflow store, and one run for each candidate that was ever measured.

MLflow takes seconds to import, so nothing here imports it before it is needed.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.errors import BadInput
from jobs.storage import absolute, is_local
from models.serving.errors import BundleError
from models.serving.manifest import MANIFEST, read_manifest, read_measures, read_verified, sha256

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "pushclick"
BUNDLE = "bundle"
"""Where a run keeps the bundle, among its artefacts."""
PARAMS = ("name", "family", "feature_schema_hash", "embedding_version", "serving_format")
"""Entries of a manifest that a run shows as parameters."""


class Tracking:
    """An MLflow store.

    Parameters
    ----------
    root : str
        The lake's root. A local one holds ``mlflow.db`` and ``mlartifacts/``.
    uri : str, optional
        Another MLflow store, which a root that is not local needs.

    Raises
    ------
    BadInput
        When a root that is not local comes without a URI, or when MLflow does not take the URI.
    """

    def __init__(self, root: str, uri: str | None = None) -> None:
        self._root = absolute(root)
        if uri is None and not is_local(self._root):
            raise BadInput(f"--root {root} is not a local folder: expected --tracking-uri with an MLflow store")
        self.uri = uri or f"sqlite:///{self._root}/mlflow.db"
        self._database = None if uri else Path(self._root, "mlflow.db")

    def exists(self) -> bool:
        """Tell whether there may be something to read; asking a new root for its champion makes no store."""
        return self._database is None or self._database.exists()

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client: quiet, and sending nothing home."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations between its own dependencies
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException

            try:
                return MlflowClient(self.uri, self.uri)
            except MlflowException as error:
                raise BadInput(f"--tracking-uri {self.uri}: {str(error).splitlines()[0]}") from None

    def log_candidate_run(self, bundle: Path) -> Run:
        """Log a measured candidate: parameters, measures, tags and the bundle.

        A run of the same learned content is used again as it is; one that was cut off is completed.

        Raises
        ------
        BadInput
            When a file of the bundle is not the one that was measured.
        """
        manifest = measured_manifest(bundle)
        version = manifest["version"]
        run = next(self.runs(f"tags.bundle_version = '{version}'"), None) or self.client.create_run(
            self._experiment(), run_name=manifest["name"], tags={"bundle_version": version}
        )
        if run.info.status != "FINISHED":
            self._fill(run, bundle, manifest)
        return self.client.get_run(run.info.run_id)

    def runs(self, condition: str = "") -> Iterator[Run]:
        """Give the runs that meet a condition (MLflow's filter language)."""
        page = self.client.search_runs([self._experiment()], condition)
        yield from page
        while page.token:
            page = self.client.search_runs([self._experiment()], condition, page_token=page.token)
            yield from page

    def fetch(self, artefacts: str, *, manifest_sha256: str) -> Path:
        """Give a bundle among the artefacts as a local folder, to be read only.

        Raises
        ------
        BadInput
            When it is not there, or its manifest is not the one that the hash vouches for.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            folder = Path(download_artifacts(artifact_uri=artefacts, tracking_uri=self.uri))
            read_manifest(folder, manifest_sha256=manifest_sha256)
        except (OSError, MlflowException, BundleError) as error:
            raise BadInput(f"bundle in {artefacts}: {str(error).splitlines()[0]}") from None
        return folder

    def prune(self, *, needed: Collection[str], days: Collection[str]) -> None:
        """Delete the runs, with their files, that are neither needed (by id) nor of one of these days."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        gone = [run for run in self.runs() if run.info.run_id not in needed and run.data.tags.get("ds") not in days]
        for run in gone:
            self.client.delete_run(run.info.run_id)
            files: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri=self.uri)
            files.delete_artifacts()

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        served = self.uri.startswith(("http:", "https:"))  # a server knows where its artefacts go
        return self.client.create_experiment(EXPERIMENT, None if served else f"{self._root}/mlartifacts")

    def _fill(self, run: Run, bundle: Path, manifest: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run_id, at = run.info.run_id, run.info.start_time
        tags = {
            "candidate": manifest["name"],
            "ds": manifest["ds"],
            "manifest_sha256": manifest_hash(bundle),
        }
        self.client.log_batch(
            run_id,
            metrics=[Metric(name, value, at, 0) for name, value in _numbers(read_measures(bundle, dict(manifest)))],
            params=[Param(name, str(manifest[name])) for name in PARAMS],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        self.client.log_artifacts(run_id, str(bundle), BUNDLE)
        self.client.set_terminated(run_id)


def measured_manifest(bundle: Path) -> dict[str, Any]:
    """Read the manifest of a bundle folder, and check every file against it.

    Raises
    ------
    BadInput
        When a file is missing, or is not the one that was measured.
    """
    try:
        manifest = read_manifest(bundle)
        read_verified(bundle, manifest, manifest["files"])
    except BundleError as error:
        raise BadInput(str(error)) from None
    return manifest


def manifest_hash(bundle: Path) -> str:
    """Give the hash that vouches for a bundle folder: the manifest holds those of the other files."""
    return sha256((bundle / MANIFEST).read_bytes())


def _numbers(measures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Give the numbers among the measures, the names of nested ones joined by dots."""
    for name, value in measures.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and math.isfinite(value):
            yield f"{prefix}{name}", float(value)
