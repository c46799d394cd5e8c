"""The present champion on the hold-out rows: with its own features, and codes by its own embedding."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa

from jobs.build_training_set import TRAINING_SET
from jobs.embedding import codes_table
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.registry import champion_bundle
from jobs.training_parts import read_part
from models.measurement import Scored, score_bundle
from models.schema import SCHEMA_FILE, FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS
from models.serving.errors import BundleError, EngineError, RowError
from models.serving.manifest import read_manifest, read_verified

CODED, CODES = ["user_id", "as_of"], [LATENTS, LATENT_VALUES]
"""What a row of codes is of, and what it says."""


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
    rows = read_part(lake, ds, "holdout")
    absent = [feature.name for feature in schema.features if feature.name not in rows.column_names]
    if absent:
        raise NotMeasurable(f"the training set lacks features of the champion: {', '.join(absent)}")
    return rows if other_embedding is None else _with_codes(lake, ds, rows, other_embedding)


def _with_codes(lake: Lake, ds: date, rows: pa.Table, embedding: str) -> pa.Table:
    """Put codes of another embedding version in place of the training set's."""
    sends = lake.read(TRAINING_SET, since=ds, until=ds)
    codes = lake.read(codes_table(embedding), until=ds).select(*CODED, *CODES).dropDuplicates(CODED)
    own = sends.where("part = 'holdout'").select("send_id", *CODED).join(codes, CODED, how="left")
    own = own.select("send_id", *CODES).orderBy("send_id").toArrow()
    rows = rows.drop_columns([name for name in CODES if name in rows.column_names])
    for name in CODES:
        rows = rows.append_column(name, own[name])
    return rows
