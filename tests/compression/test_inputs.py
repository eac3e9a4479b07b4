"""Inputs of layers: their moments by folds of documents, files, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pastur.torch
from pastur._errors import FileFormatError, InvalidInputError, InvalidTypeError, PasturError
from pastur._typing import FloatArray
from pastur.compression import InputMoments, collect_inputs
from pastur.compression._inputs.moments import METADATA
from pastur.weights import open_weights

MODEL = {"a": np.ones((7, 5)), "b": np.ones((5, 9)), "bias": np.ones(3)}


def texts(count: int, seed: int = 0, length: int = 6) -> list[FloatArray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, 5)) for _ in range(count)]


def run(x: FloatArray, add: Callable[..., None]) -> None:
    add("a", x)
    add("b", x, axes="io")


def collected(path: Path, count: int = 11, **options: Any) -> InputMoments:
    return collect_inputs(MODEL, texts(count), run=run, path=path / "inputs.safetensors", **options)


def test_moments_are_sums_of_outer_products(tmp_path: Path) -> None:
    found = collected(tmp_path)
    slow = np.zeros((5, 5))
    for document in texts(11):
        for x in document:
            slow += np.outer(x, x)
    np.testing.assert_allclose(found.moments("a").sum(axis=0), slow, rtol=1e-6, atol=1e-5)
    assert found.documents == (2, 2, 2, 1, 1, 1, 1, 1) and found["a"].rows == (12,) * 3 + (6,) * 5
    # Stored in float32: each fold is known to half a unit of its last place.
    again = InputMoments.from_file(found.path)
    assert np.array_equal(again.moments("b"), found.moments("b"))
    assert str(found) == "Inputs of 2 layers: 66 inputs of each in 11 documents, 8 folds."


def test_each_document_is_in_one_fold(tmp_path: Path) -> None:
    """One input for each document, along an axis of its own: the folds are seen from the sums."""
    model, eye = {"a": np.ones((3, 20))}, np.eye(20)
    path = tmp_path / "inputs.safetensors"
    folds = [
        np.diagonal(
            collect_inputs(
                model, eye, run=lambda x, add: add("a", x[None]), path=path, folds=6, seed=seed
            ).moments("a"),
            axis1=1,
            axis2=2,
        )
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(folds[0].sum(axis=0), np.ones(20))
    assert folds[0].sum(axis=1).tolist() == [4, 4, 3, 3, 3, 3]
    assert np.array_equal(folds[0], folds[1])
    # Another seed makes other folds, of the same documents.
    assert not np.array_equal(folds[0], folds[2])


def test_equal_inputs_are_stored_once(tmp_path: Path) -> None:
    found = collected(tmp_path, folds=5)
    assert found["a"].group == found["b"].group
    assert len(open_weights(found.path).entries) == 5

    def apart(x: FloatArray, add: Callable[..., None]) -> None:
        add("a", x)
        add("b", x + 1.0, axes="io")

    other = collect_inputs(
        MODEL,
        texts(11),
        run=apart,
        path=tmp_path / "other.safetensors",
    )
    assert other["a"].group != other["b"].group


def test_a_layer_that_a_fold_does_not_use_has_no_rows_there(tmp_path: Path) -> None:
    """As the experts of a mixture: whatever the order, its sums are those of its own inputs."""
    given = [(k, x) for k, x in enumerate(texts(10))]

    def some(document: tuple[int, FloatArray], add: Callable[..., None]) -> None:
        add("a", document[1])
        if document[0] in (3, 4):
            add("b", document[1], axes="io")

    found = collect_inputs(MODEL, given, run=some, path=tmp_path / "inputs.safetensors", folds=10)
    rows = found["b"].rows
    assert sorted(rows) == [0] * 8 + [6, 6]
    expected = sum(x.T @ x for k, x in given if k in (3, 4))
    np.testing.assert_allclose(found.moments("b").sum(axis=0), expected, rtol=1e-6, atol=1e-5)
    empty = [not moments.any() for moments in found.moments("b")]
    assert empty == [count == 0 for count in rows]


def test_the_background_is_kept_apart(tmp_path: Path) -> None:
    """A layer that it alone reaches is not there; one that it does not reach has none of it."""
    model = MODEL | {"c": np.ones((4, 5))}
    behind = [("c", x) for x in texts(3, seed=1)] + [("a", x) for x in texts(4, seed=2)]

    def some(document: tuple[str, FloatArray], add: Callable[..., None]) -> None:
        name, x = document
        if name == "all":
            run(x, add)
        else:
            add(name, x)

    found = collect_inputs(
        model,
        [("all", x) for x in texts(11)],
        run=some,
        path=tmp_path / "inputs.safetensors",
        background=behind,
    )
    (tmp_path / "alone").mkdir()
    alone = collected(tmp_path / "alone")
    assert [layer.tensor for layer in found.layers] == ["a", "b"]
    assert found.background == 7 and alone.background == 0
    assert (found["a"].background, found["b"].background) == (24, 0)
    for name in "ab":
        assert np.array_equal(found.moments(name), alone.moments(name))
    expected = sum(x.T @ x for name, x in behind if name == "a")
    half = found.half_behind("a")
    assert half is not None
    np.testing.assert_allclose(24 * (half + half.T), expected, rtol=1e-6, atol=1e-5)
    assert found.half_behind("b") is None and alone.half_behind("a") is None
    assert str(found).endswith("in 11 documents, 8 folds; 7 documents of background.")
    assert found.digest != alone.digest

    def broken(document: tuple[str, FloatArray], add: Callable[..., None]) -> None:
        some((document[0], document[1] * (np.nan if document[0] == "a" else 1)), add)

    with pytest.raises(InvalidInputError, match="document 3 of the background"):
        collect_inputs(
            model,
            [("all", x) for x in texts(11)],
            run=broken,
            path=tmp_path / "inputs.safetensors",
            background=behind,
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, add: add("c", x), "no tensor 'c'"),
        (lambda x, add: add("bias", x), "'bias' is not a matrix"),
        (lambda x, add: add("a", x[0]), r"two axes.*\(5,\)"),
        (lambda x, add: add("a", x[:, 1:]), "have 4 numbers, and the tensor has 5"),
        (lambda x, add: add("a", 1e30 * x), "too large for float32"),
        (lambda x, add: None, "no layer"),
        (lambda x, add: (add("b", x, axes="io"), add("b", x)), "axes 'io' and with 'oi'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    change: Callable[..., Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "inputs.safetensors"
    with pytest.raises(PasturError, match=words):
        collect_inputs(MODEL, texts(6), run=change, path=path)
    assert not list(tmp_path.iterdir())


def test_what_is_not_finite_is_named_with_its_document(tmp_path: Path) -> None:
    given = texts(9)
    given[4][2, 1] = np.nan
    path = tmp_path / "inputs.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(InvalidInputError, match="inputs of 'a' are not finite in document 4"):
        collect_inputs(MODEL, given, run=run, path=path)
    assert path.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1


def test_too_few_documents_have_no_standard_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"at least 5, so that.*Got 4"):
        collected(tmp_path, 4)
    with pytest.raises(InvalidInputError, match="`folds` must be at least 5"):
        collected(tmp_path, folds=4)
    assert collected(tmp_path, 5).documents == (1,) * 5


def test_copies_of_documents_are_counted_and_too_few_others_refused(tmp_path: Path) -> None:
    """Ten copies of a document are one: their interval would be a third as wide, or of width 0."""
    path, given = tmp_path / "inputs.safetensors", texts(6)
    with pytest.raises(InvalidInputError, match=r"5 different ones\. Of 40, 36 give"):
        collect_inputs(MODEL, given[:4] * 10, run=run, path=path)
    found = collect_inputs(MODEL, [*given, given[2].copy(), np.zeros((0, 5))], run=run, path=path)
    assert found.copies == 2 and InputMoments.from_file(path).copies == 2
    assert str(found).endswith("; 2 documents are copies, or empty.")

    def turned(x: FloatArray, add: Callable[..., None]) -> None:
        if x is given[0]:
            add("a", x)
        else:
            add("b", x, axes="io")

    # The same inputs, but of another layer, are no copy.
    others = [given[0], given[0].copy(), given[0] + 1, *given[1:]]
    assert collect_inputs(MODEL, others, run=turned, path=path).copies == 0


def test_a_background_with_documents_in_it_is_refused(tmp_path: Path) -> None:
    """Losses would be measured on what chose: a third of what was lost was promised."""
    path, given = tmp_path / "inputs.safetensors", texts(8)
    words = "document 0 of the background is document 2, counted from 0, and 2 in all"
    with pytest.raises(InvalidInputError, match=words):
        behind = [given[2].copy(), *texts(3, seed=1), given[5]]
        collect_inputs(MODEL, given, run=run, path=path, background=behind)
    # Documents without inputs are none that two could have.
    empty = np.zeros((0, 5))
    behind = [*texts(3, seed=1), empty]
    assert collect_inputs(MODEL, [*given, empty], run=run, path=path, background=behind).copies == 1


def test_inputs_too_small_for_float32_count_as_none(tmp_path: Path) -> None:
    path = tmp_path / "inputs.safetensors"
    for scale, some in ((1e-12, True), (1e-21, False), (1e-30, False)):
        tiny = [scale * x for x in texts(6)]
        found = collect_inputs(MODEL, tiny, run=run, path=path)
        assert bool(found.moments("a").any()) == some


def test_a_model_is_no_place_for_its_inputs(tmp_path: Path) -> None:
    """Seen before anything is run."""
    path = tmp_path / "model.npz"
    np.savez(path, a=MODEL["a"])
    with pytest.raises(InvalidInputError, match="would be overwritten"):
        collect_inputs(path, texts(6), run=lambda x, add: pytest.fail("it ran"), path=path)


def test_numbers_that_were_not_written_are_refused(tmp_path: Path) -> None:
    """One bit of one number is enough, in a fold and where a fold has none; unchanged they pass."""
    from safetensors.numpy import save_file

    def some(x: FloatArray, add: Callable[..., None]) -> None:
        add("a", x)
        if x is given[0]:
            add("b", x, axes="io")

    given = texts(6)
    found = collect_inputs(MODEL, given, run=some, path=tmp_path / "inputs.safetensors")
    weights = open_weights(found.path)
    tensors = {entry.name: np.array(weights.read(entry.name)) for entry in weights.entries}
    path = tmp_path / "edited.safetensors"
    save_file(tensors, path, metadata=dict(weights.metadata))
    InputMoments.from_file(path).moments("a")
    empty = found["b"].rows.index(0)
    for tensor, fold in (("a", 3), ("b", empty)):
        name = f"{found[tensor].group}.{fold}"
        changed = tensors[name].copy()
        changed.view(np.int32)[1] ^= 1
        save_file(tensors | {name: changed}, path, metadata=dict(weights.metadata))
        with pytest.raises(FileFormatError, match=f"'{tensor}' in fold {fold} are not those"):
            InputMoments.from_file(path).moments(tensor)


def edited(source: Path, target: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A file of inputs with another header."""
    from safetensors.numpy import save_file

    weights = open_weights(source)
    header = json.loads(weights.metadata[METADATA])
    change(header)
    tensors = {entry.name: np.array(weights.read(entry.name)) for entry in weights.entries}
    save_file(tensors, target, metadata={METADATA: json.dumps(header)})
    return target


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.update(schema=2), "schema"),
        (lambda h: h.update(documents=[1, 1]), "at least 5 folds"),
        (lambda h: h.update(layers=[]), "must not be empty"),
        (lambda h: h["layers"][0].update(shape=[7, 6]), "no moments of 6 inputs in fold 0"),
        (lambda h: h["layers"][0].update(group="9"), "no moments"),
        (lambda h: h.update(background=1), "no moments of 5 inputs in the background"),
        (lambda h: h["layers"][0].update(background=1), "background that is not there"),
        (lambda h: h["layers"][1].update(rows=[1]), "numbers of rows"),
        (lambda h: h["layers"][0].pop("digest"), "digest.*is missing"),
        (lambda h: h.update(copies=-1), "copies"),
        (lambda h: h["marks"].update({"0.0": "0"}), "content"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(
    change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path
) -> None:
    path = edited(collected(tmp_path).path, tmp_path / "edited.safetensors", change)
    with pytest.raises(FileFormatError, match=words):
        InputMoments.from_file(path)


def test_a_file_without_marks_is_read_as_before(tmp_path: Path) -> None:
    written = collected(tmp_path)
    path = edited(written.path, tmp_path / "edited.safetensors", lambda h: h.pop("marks"))
    found = InputMoments.from_file(path)
    for layer in written.layers:
        np.testing.assert_array_equal(found.half(layer.tensor), written.half(layer.tensor))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.eye(3)}, tmp_path / "model.safetensors")
    with pytest.raises(FileFormatError, match="not a file of inputs"):
        InputMoments.from_file(tmp_path / "model.safetensors")


def test_moments_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    found = collected(tmp_path)
    weights = open_weights(found.path)
    tensors = {entry.name: np.array(weights.read(entry.name)) for entry in weights.entries}
    tensors["0.3"][2] = np.inf
    path = tmp_path / "infinite.safetensors"
    save_file(tensors, path, metadata=dict(weights.metadata))
    with pytest.raises(FileFormatError, match="moments of 'a' are not finite"):
        InputMoments.from_file(path).moments("a")


# --- modules ---


def network() -> Any:
    """A convolution of every option, an attention whose inputs are shared, a tied output."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(
                3, 8, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), padding_mode="reflect"
            )
            self.same = nn.Conv2d(8, 6, 3, padding="same")
            self.embedding = nn.Embedding(11, 6)
            self.query, self.key = nn.Linear(6, 6), nn.Linear(6, 4)
            self.out = nn.Linear(6, 11, bias=False)
            self.out.weight = self.embedding.weight
            self.unused = nn.Linear(6, 6)

        def forward(self, words: Any, image: Any) -> Any:
            hidden = self.embedding(words)
            scores = self.query(hidden)[..., :4] * self.key(hidden)
            return self.out(hidden).sum() + scores.sum(), self.same(self.conv(image))

    torch.manual_seed(0)
    return Net().eval()


def test_the_energy_of_outputs_is_that_of_the_moments(tmp_path: Path) -> None:
    """Σ‖y − b‖² = tr W C Wᵀ for each layer, y computed by PyTorch; not with inputs out of order."""
    torch = pytest.importorskip("torch")
    module = network()
    torch.manual_seed(1)
    given = [(torch.randint(0, 11, (1, 7)), torch.randn(2, 3, 9, 8)) for _ in range(8)]
    found = pastur.torch.collect_inputs(module, given, path=tmp_path / "inputs.safetensors")
    names = {"conv", "same", "query", "key"}
    assert {layer.tensor for layer in found.layers} == {f"{name}.weight" for name in names}
    assert found["query.weight"].group == found["key.weight"].group
    energies = dict.fromkeys(names, 0.0)

    def see(name: str) -> Callable[..., None]:
        def hook(layer: Any, _: Any, y: Any) -> None:
            b = layer.bias.view(-1, 1, 1) if y.ndim == 4 else layer.bias
            energies[name] += float(((y - b).double() ** 2).sum())

        return hook

    for name in names:
        getattr(module, name).register_forward_hook(see(name))
    with torch.no_grad():
        for batch in given:
            module(*batch)
    for name in names:
        w = getattr(module, name).weight.detach().double().flatten(1).numpy()
        c = found.moments(f"{name}.weight").sum(axis=0)
        assert float(np.sum((w @ c) * w)) == pytest.approx(energies[name], rel=1e-5)
        turned = w[:, ::-1]
        assert float(np.sum((turned @ c) * turned)) != pytest.approx(energies[name], rel=1e-3)


def test_the_layers_of_gpt_2_have_their_inputs_first(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("transformers.pytorch_utils")
    torch.manual_seed(0)
    module = torch.nn.Sequential(utils.Conv1D(5, 3)).eval()
    given = [torch.randn(4, 3) for _ in range(6)]
    found = pastur.torch.collect_inputs(module, given, path=tmp_path / "inputs.safetensors")
    assert found["0.weight"].axes == "io" and found["0.weight"].size == 3
    expected = sum(x.double().T @ x.double() for x in given).numpy()
    np.testing.assert_allclose(found.moments("0.weight").sum(axis=0), expected, rtol=1e-5)


def test_tokens_that_the_mask_leaves_out_are_not_counted(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Masked(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(3, 4)

        def forward(self, states: Any, attention_mask: Any) -> Any:
            return self.fc(states)

    torch.manual_seed(0)
    mask = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])
    given = [{"states": torch.randn(2, 4, 3), "attention_mask": mask} for _ in range(5)]
    found = pastur.torch.collect_inputs(Masked().eval(), given, path=tmp_path / "a.safetensors")
    kept = torch.cat([torch.cat([b["states"][0, :3], b["states"][1, :1]]) for b in given]).double()
    assert found["fc.weight"].rows == (4,) * 5
    sums = found.moments("fc.weight").sum(axis=0)
    np.testing.assert_allclose(sums, (kept.T @ kept).numpy(), rtol=1e-5)


def test_a_mask_is_found_by_its_name_wherever_it_stands_and_read_or_refused(tmp_path: Path) -> None:
    """Padding was counted where the mask came second, and a mask to be added read upside down."""
    torch = pytest.importorskip("torch")

    class Flat(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(3, 4)

        def forward(self, states: Any, attention_mask: Any) -> Any:
            return self.fc(states.flatten(0, 1))

    module, states = Flat().eval(), [torch.randn(2, 4, 3) for _ in range(5)]
    ones = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])
    path = tmp_path / "a.safetensors"

    def collected(mask: Any, by_name: bool) -> InputMoments:
        pairs = [{"states": x, "attention_mask": mask} if by_name else (x, mask) for x in states]
        return pastur.torch.collect_inputs(module, pairs, path=path)

    for mask in (ones, ones.bool(), ones.float(), ones.numpy(), ones.tolist()):
        for by_name in (True, False):
            assert collected(mask, by_name)["fc.weight"].rows == (4,) * 5
    for wrong in ((1.0 - ones) * -1e9, ones[:, None, None], 0 * ones):
        with pytest.raises(InvalidInputError, match=r"1 for a token that counts and 0 for one"):
            collected(wrong, False)

    class Two(Flat):
        def forward(self, states: Any, attention_mask: Any, decoder_states: Any = None) -> Any:
            return super().forward(states, attention_mask)

    module = Two().eval()
    assert collected(ones * 0 + 1, True)["fc.weight"].rows == (8,) * 5
    with pytest.raises(InvalidInputError, match="This Two has tokens of an encoder and of a decod"):
        collected(ones, True)


def test_batches_of_one_document_stay_together(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(12, 4)).eval()
    given = list(torch.eye(12))
    found = pastur.torch.collect_inputs(
        module,
        given,
        path=tmp_path / "a.safetensors",
        documents=[k // 2 for k in range(12)],
        folds=6,
    )
    for moments in found.moments("0.weight"):
        (ones,) = np.nonzero(np.diagonal(moments))
        assert len(ones) == 2 and ones[0] // 2 == ones[1] // 2


def test_modules_without_such_inputs_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nn, path = torch.nn, tmp_path / "a.safetensors"
    given = [torch.randn(2, 3) for _ in range(5)]
    linear = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(InvalidInputError, match="training mode"):
        pastur.torch.collect_inputs(linear.train(), given, path=path)
    with pytest.raises(InvalidInputError, match="no Linear, Conv2d or Conv1D"):
        pastur.torch.collect_inputs(nn.Sequential(nn.Bilinear(3, 3, 2)).eval(), given, path=path)
    with pytest.raises(InvalidInputError, match=r"one entry for each batch, 5\. Got 2"):
        pastur.torch.collect_inputs(linear.eval(), given, path=path, documents=[0, 1])
    given[3] = given[3] / 0
    with pytest.raises(InvalidInputError, match=r"'0\.weight' are not finite in document 3"):
        pastur.torch.collect_inputs(linear.eval(), given, path=path)
    # No hook is left behind, whatever happened.
    assert not linear[0]._forward_pre_hooks and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("batches", "documents", "words"),
    [
        ("abcdef", None, "`batches` must be a list.*Got 'abcdef' of type str"),
        (None, None, "`batches` must be a list.*NoneType"),
        ({"ids": 1}, None, "`batches` must be a list.*of type dict"),
        (list("abcdef"), None, r"'0\.weight' is given a str, not a tensor"),
        ([[np.zeros(3)]] * 6, None, r"'0\.weight' is given a list, not a tensor"),
        ([0, 1], 5, "`documents` must be a list.*Got 5"),
        ([0, 1], [[0], [1]], "`documents` must be names or numbers.*Got a list"),
    ],
)
def test_what_are_no_batches_is_refused(
    batches: Any, documents: Any, words: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4)).eval()
    with pytest.raises(InvalidTypeError, match=words):
        pastur.torch.collect_inputs(
            module, batches, path=tmp_path / "a.safetensors", documents=documents
        )


def test_numbers_of_documents_may_be_a_tensor_or_come_one_by_one(tmp_path: Path) -> None:
    """An entry of a tensor is equal to no other as a key: each batch was a document then."""
    torch = pytest.importorskip("torch")
    module, given = torch.nn.Sequential(torch.nn.Linear(12, 4)).eval(), list(torch.eye(12))
    for documents in (torch.arange(12) // 2, np.arange(12) // 2, (k // 2 for k in range(12))):
        found = pastur.torch.collect_inputs(
            module, given, path=tmp_path / "a.safetensors", documents=documents
        )
        assert found.documents == (1,) * 6
    with pytest.raises(InvalidTypeError, match=r"names or numbers.*Got a Tensor"):
        apart = list(torch.arange(12) // 2)
        pastur.torch.collect_inputs(module, given, path=tmp_path / "a", documents=apart)


@pytest.mark.slow
def test_a_compiled_module_has_the_inputs_of_the_module(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module, given = torch.nn.Sequential(torch.nn.Linear(3, 4)).eval(), list(torch.eye(3)) * 2
    given = [k * x for k, x in enumerate(given, start=1)]
    plain = pastur.torch.collect_inputs(module, given, path=tmp_path / "plain")
    compiled = torch.compile(module, backend="eager")
    compiled(given[0])
    found = pastur.torch.collect_inputs(compiled, given, path=tmp_path / "compiled")
    assert found.digest == plain.digest


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_module_of_torch_jit_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module = torch.jit.trace(torch.nn.Sequential(torch.nn.Linear(3, 4)).eval(), torch.ones(3))
    with pytest.raises(InvalidInputError, match=r"whose layers torch\.jit has compiled"):
        pastur.torch.collect_inputs(module, list(torch.eye(3)), path=tmp_path / "a")


def test_a_part_in_training_is_refused_and_an_argument_by_name_is_seen(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Named(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.drop = torch.nn.Linear(3, 4), torch.nn.Dropout()

        def forward(self, x: Any) -> Any:
            return self.drop(self.fc(input=x))

    module, given = Named().eval(), [torch.randn(2, 3) for _ in range(5)]
    found = pastur.torch.collect_inputs(module, given, path=tmp_path / "a.safetensors")
    assert found["fc.weight"].rows == (2,) * 5
    module.drop.train()
    with pytest.raises(InvalidInputError, match="its part 'drop' is in training mode"):
        pastur.torch.collect_inputs(module, given, path=tmp_path / "a.safetensors")


def test_an_array_that_is_written_to_again_is_read_again(tmp_path: Path) -> None:
    def reused(seed: int, add: Callable[..., None]) -> None:
        x = np.full((1, 5), float(seed))
        add("a", x)
        x[:] = 10.0
        add("a", x)

    path = tmp_path / "inputs.safetensors"
    found = collect_inputs(MODEL, range(5), run=reused, path=path)
    assert found.moments("a")[:, 0, 0].sum() == 5 * 100 + sum(k**2 for k in range(5))


def test_a_tensor_that_is_written_to_again_is_read_again(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class InPlace(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            y = self.first(x)
            x *= 2.0
            return y + self.second(x)

    given = [torch.full((1, 3), float(k)) for k in range(1, 6)]
    found = pastur.torch.collect_inputs(InPlace().eval(), given, path=tmp_path / "a.safetensors")
    assert np.array_equal(found.moments("first.weight").sum(axis=0), np.full((3, 3), 55.0))
    assert np.array_equal(found.moments("second.weight").sum(axis=0), np.full((3, 3), 220.0))


def test_batches_made_in_inference_mode_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with torch.inference_mode():
        given = [torch.full((2, 3), float(k)) for k in range(1, 6)]
    module = torch.nn.Sequential(torch.nn.Linear(3, 4)).eval()
    found = pastur.torch.collect_inputs(module, given, path=tmp_path / "a.safetensors")
    assert np.array_equal(found.moments("0.weight").sum(axis=0), np.full((3, 3), 2.0 * 55))
