"""Codes with scales, packed number by number, and what a file of them must be read as, for tests.

Imported, and not run.
"""

import numpy as np

from pastur._typing import AnyArray, FloatArray
from pastur.weights import Matrix, Weights, iter_matrices

RNG = np.random.default_rng(5)


def numbers(*shape: int) -> AnyArray:
    return RNG.normal(size=shape).astype(np.float32)


def codes(bits: int, *shape: int) -> AnyArray:
    return RNG.integers(0, 2**bits, shape)


def stream(values: AnyArray, bits: int) -> AnyArray:
    """Pack codes along the last axis, bit by bit, the lowest first, in words of 32 bits."""
    rows = values.reshape(-1, values.shape[-1])
    packed = np.zeros((len(rows), -(-values.shape[-1] * bits // 32)), np.uint32)
    for r, row in enumerate(rows):
        for place, code in enumerate(row):
            for bit in range(bits):
                if int(code) >> bit & 1:
                    word, at = divmod(place * bits + bit, 32)
                    packed[r, word] |= np.uint32(1 << at)
    return packed.reshape(*values.shape[:-1], -1)


def assert_one_weight(
    weights: Weights,
    name: str,
    expected: FloatArray,
    step: AnyArray | None = None,
    kind: str = "",
    rtol: float = 1e-6,
) -> None:
    """Assert that the tensors stand for this weight alone, with the noise of rounding."""
    matrices = [item for item in iter_matrices(weights) if isinstance(item, Matrix)]
    assert {item.tensor for item in matrices} == {name}
    for item in iter_matrices(weights):
        if not isinstance(item, Matrix):
            assert repr(name) in item.reason
    info = next(entry for entry in weights.entries if entry.name == name)
    assert info.shape == expected.shape
    assert info.quantised.startswith(kind)
    read = weights.read(name)
    assert read.dtype == info.dtype == "float32"
    np.testing.assert_allclose(read, expected, rtol=rtol, atol=1e-12)
    if step is not None:
        assert weights.steps is not None
        found = weights.steps(name)
        assert found is not None
        np.testing.assert_allclose(found, np.broadcast_to(step, found.shape) ** 2 / 12, rtol=1e-5)


def refusal(weights: Weights, name: str) -> str:
    info = next(entry for entry in weights.entries if entry.name == name)
    assert not any(isinstance(item, Matrix) for item in iter_matrices(weights))
    return info.unreadable
