"""Products and selections of wide layers, against the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.nn.functional import embedding_bag

from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.products import WIDE, sparse_product
from models.autoencoder.networks.topk import top_k, top_k_of_wide


@pytest.mark.parametrize("n_outputs", [8, WIDE])
def test_a_product_and_its_gradients_are_those_of_the_dense_rows(n_outputs):
    rng = np.random.default_rng(0)
    rows = sp.random(40, 30, density=0.1, format="csr", dtype=np.float32, rng=rng)
    assert (np.diff(rows.indptr) == 0).any()
    batch = SparseBatch.of(rows)
    weight = torch.from_numpy(rng.standard_normal((30, n_outputs)).astype(np.float32)).requires_grad_()
    values, dense = batch.values.requires_grad_(), batch.dense().detach().requires_grad_()
    upstream = torch.from_numpy(rng.standard_normal((40, n_outputs)).astype(np.float32))

    product = sparse_product(batch.tokens, batch.offsets, values, weight)
    found = (product, *torch.autograd.grad(product, (weight, values), upstream))
    of_weight, of_dense = torch.autograd.grad(dense @ weight, (weight, dense), upstream)
    expected = (dense @ weight, of_weight, of_dense[dense != 0])

    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(found, expected, strict=True))


def test_a_wide_weight_learns_what_pytorch_makes_of_repeated_columns():
    columns, offsets, values = torch.tensor([3, 3, 0]), torch.tensor([0, 2]), torch.tensor([1.0, 2.0, 4.0])
    weight = torch.ones(5, WIDE, requires_grad=True)
    ours = sparse_product(columns, offsets, values, weight)
    plain = embedding_bag(columns, weight, offsets, mode="sum", per_sample_weights=values)
    gradients = [torch.autograd.grad(one.square().sum(), weight)[0] for one in (ours, plain)]

    assert torch.equal(*gradients)


@pytest.mark.parametrize("n_columns", [64, 66])
def test_the_largest_of_wide_rows_are_the_largest(n_columns):
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.integers(-20, 20, (50, n_columns)).astype(np.float32))
    rows[7] = 1.0
    values, columns = top_k_of_wide(rows, 4)

    assert torch.equal(values.sort(dim=1).values, top_k(rows, 4)[0].sort(dim=1).values)
    assert torch.equal(rows.gather(1, columns), values)
    assert all(len(set(row)) == 4 for row in columns.tolist())
