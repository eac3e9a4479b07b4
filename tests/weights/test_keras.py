"""HDF5 files, those of Keras before all: written by Keras and by h5py."""

import os
import pickle
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pastur._errors import FileFormatError, PasturError
from pastur._typing import AnyArray
from pastur.weights import Matrix, Skipped, iter_matrices, open_weights

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[AnyArray]], Path]:
    """The variables of a network of many layers, trained by a step; a folder with three files."""
    pytest.importorskip("torch")
    os.environ["KERAS_BACKEND"] = "torch"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
        layers = keras.layers
        # Layers without a name are counted, over all networks of a process.
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        start = layers.Input((8, 8, 4))
        x = layers.Conv2D(6, 3, groups=2, name="first")(start)
        x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
        x = layers.Conv2DTranspose(5, 2)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Reshape((-1, 5))(x)
        x = layers.Conv1D(5, 3)(x)
        x = layers.LSTM(4, return_sequences=True)(x)
        x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
        x = layers.MultiHeadAttention(2, 3)(x, x)
        x = layers.GlobalAveragePooling1D()(x)
        inner = [layers.Input((6,)), layers.Dense(5, name="inside"), layers.Dense(2)]
        x = keras.Sequential(inner, name="inner")(x)
        network = keras.Model(start, x)
        network.compile("adam", "mse")
        network.fit(np.ones((2, 8, 8, 4)), np.ones((2, 2)), verbose=0)
        folder = tmp_path_factory.mktemp("keras")
        network.save(folder / "model.keras")
        network.save_weights(folder / "model.weights.h5")
        network.save(folder / "model.h5")
        values = {layer.name: layer.get_weights() for layer in network.layers}
    return values, folder


def items(path: Path) -> dict[str, Matrix | Skipped]:
    return {item.name: item for item in iter_matrices(open_weights(path))}


FILES = ["model.keras", "model.weights.h5", "model.h5"]


@pytest.mark.lengthy
@pytest.mark.parametrize("name", FILES)
def test_every_variable_is_there(
    written: tuple[dict[str, list[AnyArray]], Path], name: str
) -> None:
    values, folder = written
    weights = open_weights(folder / name)
    own = [entry for entry in weights.entries if not entry.name.startswith("optimizer")]
    found = [weights.read(entry.name) for entry in own if not entry.unreadable]
    biases = sum(entry.unreadable == "is a bias" for entry in own)
    variables = [v for layer in values.values() for v in layer if v.dtype.kind == "f"]
    assert len(own) == len(variables)
    truth = sorted(float(np.abs(v).sum()) for v in variables)
    for array in found:
        assert min(abs(truth - np.abs(array).sum())) < 1e-6
    assert len(found) + biases == len(own)
    optimiser = [e for e in weights.entries if e.name.startswith("optimizer")]
    assert len(optimiser) > 20
    assert {e.aside for e in optimiser} == {"belongs to the state of the optimiser"}


def kernels(values: Mapping[str, Sequence[AnyArray]]) -> Iterator[AnyArray]:
    """The matrices of the layers, unfolded by hand."""
    conv = values["first"][0]
    yield from (conv[..., 3 * g : 3 * g + 3].reshape(18, 3) for g in range(2))
    yield values["depthwise_conv2d"][0].reshape(9, 12)
    turned = values["conv2d_transpose"][0]
    yield turned.transpose(2, 0, 1, 3).reshape(5, -1)
    yield values["conv1d"][0].reshape(15, 5)
    for kernel in values["lstm"][:2]:
        yield from np.split(kernel, 4, axis=1)
    for kernel in values["bidirectional"][:2]:
        yield from np.split(kernel, 3, axis=1)
    yield from (values["multi_head_attention"][k].reshape(6, 6) for k in (0, 2, 4, 6))
    yield from (values["inner"][k] for k in (0, 2))


@pytest.mark.lengthy
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_the_matrices_are_those_of_the_layers(
    written: tuple[dict[str, list[AnyArray]], Path], name: str
) -> None:
    values, folder = written
    found = [item.load() for item in items(folder / name).values() if isinstance(item, Matrix)]
    spectra = [np.linalg.svd(w, compute_uv=False) for w in found]
    expected = list(kernels(values))
    for kernel in expected:
        truth = np.linalg.svd(kernel, compute_uv=False)
        assert any(
            len(s) == len(truth) and w.size == kernel.size and np.allclose(s, truth, atol=1e-5)
            for s, w in zip(spectra, found, strict=True)
        )
    # The other direction of the GRU.
    assert len(found) == len(expected) + 6


@pytest.mark.lengthy
def test_nothing_of_keras_is_imported(written: tuple[dict[str, list[AnyArray]], Path]) -> None:
    import subprocess
    import sys

    _, folder = written
    code = (
        "import sys; from pastur.weights import *; w = open_weights(sys.argv[1]);"
        "[i.load() for i in iter_matrices(w) if isinstance(i, Matrix)];"
        "print('keras' in sys.modules, 'h5py' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "model.keras"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.lengthy
def test_weights_travel_to_another_process(written: tuple[dict[str, list[AnyArray]], Path]) -> None:
    _, folder = written
    weights = open_weights(folder / "model.keras")
    name = next(entry.name for entry in weights.entries if len(entry.shape) == 4)
    again = pickle.loads(pickle.dumps(weights))
    np.testing.assert_array_equal(again.read(name), weights.read(name))


def test_plain_hdf5_with_chunks_types_and_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "a/big": rng.standard_normal((3000, 1000)),
        "a/packed": rng.standard_normal((500, 40)).astype(np.float32),
        "half": rng.standard_normal((5, 6)).astype(np.float16),
        "swapped": rng.standard_normal((4, 3)).astype(">f8"),
    }
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            packed = {"compression": "gzip", "chunks": (7, 9)} if "packed" in name else {}
            file.create_dataset(name, data=array, **packed)
    weights = open_weights(path)
    assert [entry.name for entry in weights.entries] == sorted(arrays, key=lambda n: "/" in n)
    for name, array in arrays.items():
        np.testing.assert_array_equal(weights.read(name), array)


def test_what_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "tricky.h5"
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.eye(3)
    (tmp_path / "raw").write_bytes(bytes(72))
    with h5py.File(path, "w") as file:
        file["w"] = np.eye(3)
        file["soft"] = h5py.SoftLink("/w")
        file["external"] = h5py.ExternalLink("other.h5", "/secret")
        file["words"] = [b"a", b"b"]
        file["round"] = file.create_group("group")
        file["group/again"] = file["group"]
        outside = [(str(tmp_path / "raw"), 0, 72)]
        file.create_dataset("outside", (3, 3), "f8", external=outside)
        virtual = h5py.VirtualLayout((3, 3), "f8")
        virtual[:] = h5py.VirtualSource("other.h5", "secret", (3, 3))
        file.create_virtual_dataset("virtual", virtual)
        file.create_dataset("bomb", (10**6, 10**4), "f4", chunks=(1000, 1000), compression="gzip")
    found = items(path)
    reasons = {n: i.reason for n, i in found.items() if isinstance(i, Skipped)}
    followed_not = {"soft", "external", "words", "outside", "virtual", "bomb"}
    assert set(found) == {"w", "round", "group/again"} | followed_not
    assert reasons["round"] == reasons["group/again"] == "is the same object as 'group'"
    assert reasons["soft"] == reasons["external"] == "is a link, which is not followed"
    assert reasons["outside"] == "lies in another file, which is not followed"
    assert "data sets elsewhere" in reasons["virtual"]
    assert reasons["words"] == "holds text, not plain numbers"
    assert "claims 40000000000 bytes" in reasons["bomb"]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    with pytest.raises(FileFormatError, match=r"model\.h5' is not a sound HDF5 file"):
        open_weights(path)
    packed = tmp_path / "model.keras"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(1000))
    with pytest.raises(FileFormatError, match="holds its weights packed"):
        open_weights(packed)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(FileFormatError, match=r"model\.keras.* holds no model\.weights\.h5"):
        open_weights(packed)


@pytest.mark.lengthy
def test_a_worker_that_dies_is_an_error_and_the_next_one_works(
    written: tuple[dict[str, list[AnyArray]], Path],
) -> None:
    _, folder = written
    weights = open_weights(folder / "model.keras")
    name = next(entry.name for entry in weights.entries if len(entry.shape) == 4)
    fetch: Any = weights.fetch
    worker = fetch.args[1]
    worker._process.kill()
    worker._process.wait()
    with pytest.raises(FileFormatError, match=r"model\.keras' is not a sound HDF5 file"):
        weights.read(name)
    assert weights.read(name).ndim == 4


@pytest.mark.lengthy
@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5"])
def test_cut_off_and_changed(
    written: tuple[dict[str, list[AnyArray]], Path],
    tmp_path: Path,
    name: str,
    read_all: Callable[[Path], None],
) -> None:
    """A process for each: 24 in all. `tools/fuzz_readers.py` tries thousands."""
    _, folder = written
    sound = (folder / name).read_bytes()
    path = tmp_path / name
    random_numbers = random.Random(3)
    for end in np.linspace(100, len(sound) - 1, 6).astype(int):
        path.write_bytes(sound[:end])
        with pytest.raises(PasturError, match=name.replace(".", r"\.")):
            read_all(path)
    for _ in range(6):
        changed = bytearray(sound)
        for _ in range(20):
            changed[random_numbers.randrange(min(len(changed), 20_000))] = 255
        path.write_bytes(changed)
        try:
            read_all(path)
        except PasturError as error:
            assert name in str(error)
