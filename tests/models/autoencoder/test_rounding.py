"""Rounding to eight bits, against a list of all the numbers there are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.autoencoder.rounding import rounded


def all_numbers(*, signed: bool) -> np.ndarray:
    steps = 8 if signed else 16
    positive = [2.0**power * (1 + step / steps) for power in range(-8, 8) for step in range(steps)][1:]
    return np.array([*(-value for value in positive if signed), 0.0, *positive])


@pytest.mark.parametrize("signed", [False, True])
def test_there_are_no_more_numbers_than_fit_in_a_byte_and_each_is_its_own_rounding(signed):
    numbers = all_numbers(signed=signed).astype(np.float32)

    assert len(numbers) <= 256
    assert np.array_equal(rounded(numbers, 8, signed=signed), numbers)


@given(value=st.floats(-1e6, 1e6, width=32), signed=st.booleans())
def test_the_nearest_number_is_found(value, signed):
    numbers = all_numbers(signed=signed)
    found = float(rounded(np.array([value], np.float32), 8, signed=signed)[0])

    assert found in numbers
    if abs(value) >= (2**-8 + numbers[numbers > 0][0]) / 2:
        assert abs(found - value) == np.abs(numbers - value).min()
    else:
        assert found == 0  # 2^-8, the lowest, stands for it


def test_a_pair_of_a_code_takes_two_bytes_in_parquet(tmp_path):
    rng = np.random.default_rng(0)
    n_codes, k = 20_000, 8
    offsets = pa.array(np.arange(0, n_codes * k + 1, k, dtype=np.int32))
    latents = np.argsort(rng.random((n_codes, 64)), axis=1)[:, :k].astype(np.int16)
    values = rounded(rng.gamma(2.0, 1.5, n_codes * k).astype(np.float32), 8, signed=False)
    columns = {"latents": np.sort(latents).ravel(), "latent_values": values}
    lists = {name: pa.ListArray.from_arrays(offsets, pa.array(flat)) for name, flat in columns.items()}
    pq.write_table(pa.table(lists), tmp_path / "codes.parquet")
    group = pq.ParquetFile(tmp_path / "codes.parquet").metadata.row_group(0)
    taken = sum(group.column(column).total_compressed_size for column in range(2))

    assert taken / n_codes <= 2 * k


def test_sixteen_bits_are_a_finite_float16():
    values = np.array([1 / 3, -1e9, 1e9], np.float32)
    largest = np.finfo(np.float16).max

    assert rounded(values, 16, signed=True).tolist() == [np.float16(1 / 3), -largest, largest]
    assert rounded(values, 16, signed=False).tolist() == [np.float16(1 / 3), 0, largest]
