"""The present champion on the hold-out rows: with its own features, and codes by its own embedding."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.build_training_set import TRAINING_SET
from jobs.embedding import codes_table
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.registry import champion_bundle
from models.measurement import Scored, score_bundle
from models.schema import SCHEMA_FILE, FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS
from models.serving.errors import BundleError, EngineError, RowError
from models.serving.manifest import read_manifest, read_verified


class NotMeasurable(BadInput):
    """The champion cannot be measured on these rows; the message says why."""


def score_champion(lake: Lake, ds: date, *, tracking_uri: str | None, embedding_version: str | None) -> Scored | None:
    """Score the hold-out by the present champion.

    Parameters
    ----------
    lake : Lake
        Holds the training set, and the codes by the champion's embedding.
    ds : date
        The day of the training set.
    tracking_uri : str or None
        See ``jobs.registry``.
    embedding_version : str or None
        The embedding of the training set's own codes.

    Returns
    -------
    Scored or None
        None where there is no champion.

    Raises
    ------
    NotMeasurable
        When the training set lacks a feature of the champion, nobody encoded the users by its embedding, or
        its bundle is not what was registered.
    """
    try:
        bundle = champion_bundle(tracking_uri, lake.root)
        if bundle is None:
            return None
        manifest = read_manifest(bundle.folder, manifest_sha256=bundle.manifest_sha256)
        contents = read_verified(bundle.folder, manifest, [SCHEMA_FILE])
        schema = FeatureSchema.from_json(json.loads(contents[SCHEMA_FILE]))
        version = manifest["embedding_version"]
        rows = _rows(lake, ds, schema, None if version == embedding_version else version)
        return score_bundle(bundle.folder, rows, schema)
    except (BundleError, EngineError, RowError, BadInput) as error:
        raise NotMeasurable(str(error)) from error


def _rows(lake: Lake, ds: date, schema: FeatureSchema, other_embedding: str | None) -> pa.Table:
    rows = lake.read(TRAINING_SET, since=ds, until=ds)
    rows = rows.where(rows["part"] == "holdout")
    absent = [feature.name for feature in schema.features if feature.name not in rows.columns]
    if absent:
        raise NotMeasurable(f"the training set lacks features of the champion: {', '.join(absent)}")
    if other_embedding is not None:
        rows = _with_codes(rows, lake.read(codes_table(other_embedding), until=ds))
    return rows.orderBy("send_id").toArrow()


def _with_codes(rows: DataFrame, codes: DataFrame) -> DataFrame:
    """Put codes of another embedding version in place of the training set's."""
    keys = ["user_id", "as_of"]
    own = codes.select(*keys, LATENTS, LATENT_VALUES).dropDuplicates(keys)
    return rows.drop(LATENTS, LATENT_VALUES).join(own, keys, how="left")
