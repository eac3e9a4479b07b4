"""Weights on a web server that answers ranges: what is fetched, and what is never written."""

import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from structures import flax_files
from web_site import SECRETS, Request, Site, numbers, read_all, refusal, same

from pastur import analyze, compare
from pastur.cli._main import main
from pastur.weights import open_weights

pytest.importorskip("aiohttp")


# --- what is read ---


def test_only_the_header_and_the_tensors_asked_for_are_fetched(
    site: Site, model: dict[str, Any]
) -> None:
    weights = open_weights(site.url("model.safetensors"))
    listed = site.sent
    assert listed <= 16_384
    assert np.array_equal(weights.read("3.weight"), model["3.weight"])
    assert np.array_equal(weights.read("1.weight"), model["1.weight"])
    wanted = model["3.weight"].nbytes + model["1.weight"].nbytes
    assert site.sent - listed == wanted
    # A header on its own page is all that comes on top.
    assert site.sent <= 1.05 * wanted


@pytest.mark.lengthy
def test_analysis_by_url_is_that_of_the_file(site: Site, model: dict[str, Any]) -> None:
    here = analyze(site.folder / "model.safetensors", include=["0.*", "4.*"])
    there = analyze(site.url("model.safetensors"), include=["0.*", "4.*"])
    assert there.source.endswith("/model.safetensors")
    for one, other in zip(here.matrices, there.matrices, strict=True):
        assert np.array_equal(one.singular_values, other.singular_values)
        assert one.fit.to_dict() == other.fit.to_dict()
    assert site.sent <= 1.05 * 2 * model["0.weight"].nbytes


@pytest.mark.lengthy
def test_two_models_are_compared_where_they_lie(
    site: Site, model: dict[str, Any], tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    changed = model | {"4.weight": model["4.weight"] + numbers(np.random.default_rng(6), 300, 400)}
    save_file(changed, site.folder / "new.safetensors")
    names = ("model.safetensors", "new.safetensors")
    here = compare(*(site.folder / name for name in names), include=["0.*", "4.*"])
    there = compare(*(site.url(name) for name in names), include=["0.*", "4.*"])
    assert [one.unchanged for one in there.matrices] == [True, False]
    for one, other in zip(here.matrices, there.matrices, strict=True):
        assert one.relative_change == other.relative_change
        assert one.directions == other.directions
        assert one.new.fit.to_dict() == other.new.fit.to_dict()
    # Two tensors of each, once.
    assert site.sent <= 1.05 * 4 * model["0.weight"].nbytes
    assert not any(secret in str(there.to_dict()) for secret in SECRETS)
    same_twice = compare(site.url(names[0]), site.url(names[0]), include="0.*")
    assert same_twice.same_source


@pytest.mark.lengthy
def test_jobs_open_the_url_themselves(site: Site, model: dict[str, Any]) -> None:
    url = site.url("model.safetensors")
    one = analyze(url, include=["0.*", "4.*"])
    two = analyze(url, include=["0.*", "4.*"], jobs=2)
    for first, second in zip(one.matrices, two.matrices, strict=True):
        assert first.fit.to_dict() == second.fit.to_dict()

    def fail(request: Request, number: int) -> None:
        request.code = 500 if request.begin else 206

    # What fails in another process comes back as words, too.
    site.fault = fail
    text = refusal(lambda: analyze(url, include=["0.*", "4.*"], jobs=2))
    assert "its server answers 500" in text


def _npz(folder: Path, arrays: dict[str, Any]) -> str:
    np.savez(folder / "model.npz", **arrays)
    return "model.npz"


def _packed_npz(folder: Path, arrays: dict[str, Any]) -> str:
    np.savez_compressed(folder / "packed.npz", **arrays)
    return "packed.npz"


def _torch(folder: Path, arrays: dict[str, Any]) -> str:
    torch = pytest.importorskip("torch")
    torch.save({n: torch.from_numpy(a) for n, a in arrays.items()}, folder / "model.pt")
    return "model.pt"


def _old_torch(folder: Path, arrays: dict[str, Any]) -> str:
    torch = pytest.importorskip("torch")
    tensors = {n: torch.from_numpy(a) for n, a in arrays.items()}
    torch.save(tensors, folder / "old.pt", _use_new_zipfile_serialization=False)
    return "old.pt"


def _hdf5(folder: Path, arrays: dict[str, Any]) -> str:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "model.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return "model.h5"


def _keras(folder: Path, arrays: dict[str, Any]) -> str:
    import zipfile

    name = _hdf5(folder, arrays)
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(folder / name, "model.weights.h5")
    return "model.keras"


def _gguf(folder: Path, arrays: dict[str, Any]) -> str:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(folder / "model.gguf", "llama")
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return "model.gguf"


def _onnx(folder: Path, arrays: dict[str, Any]) -> str:
    onnx = pytest.importorskip("onnx")
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
    onnx.save(
        onnx.helper.make_model(graph),
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.data",
        size_threshold=0,
    )
    return "model.onnx"


def _flax(folder: Path, arrays: dict[str, Any]) -> str:
    tree = flax_files.arrays_tree(arrays)
    (folder / "flax_model.msgpack").write_bytes(flax_files.packed(tree))
    return "flax_model.msgpack"


WRITERS = [_npz, _packed_npz, _torch, _old_torch, _hdf5, _keras, _gguf, _onnx, _flax]


@pytest.mark.lengthy
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__.strip("_"))
def test_each_format_is_read_by_ranges(site: Site, write: Callable[..., str]) -> None:
    rng = np.random.default_rng(6)
    arrays = {f"w{n}": numbers(rng, 700, 800) for n in range(4)}
    name = write(site.folder, arrays)
    expected = read_all(site.folder / name)
    assert len(expected) == len(arrays)
    weights = open_weights(site.url(name))
    assert same({n: weights.read(n) for n in expected}, expected)
    # The packed one takes fewer bytes than its numbers, and the file is the measure of it.
    stored = (site.folder / name).stat().st_size if write is _packed_npz else 4 * 4 * 700 * 800
    assert site.sent <= 1.05 * stored
    site.sent = 0
    chosen = sorted(expected)[2]
    again = open_weights(site.url(name))
    listed = site.sent
    assert np.array_equal(again.read(chosen), expected[chosen])
    assert site.sent - listed <= 1.05 * stored / 4


def test_an_index_leads_to_files_of_the_same_server(site: Site, model: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    names = ["part 1.safetensors", "part#2.safetensors"]
    save_file({"a": model["0.weight"]}, site.folder / names[0])
    save_file({"b": model["1.weight"]}, site.folder / names[1])
    index = {"weight_map": {"a": names[0], "b": names[1]}}
    (site.folder / "x.safetensors.index.json").write_text(json.dumps(index))
    found = read_all(site.url("x.safetensors.index.json"))
    assert same(found, {"a": model["0.weight"], "b": model["1.weight"]})
    for name in ("../part", "http://elsewhere/part", "C:part"):
        (site.folder / "x.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"a": name}})
        )
        text = refusal(lambda: open_weights(site.url("x.safetensors.index.json")))
        assert "may name files of its own folder only" in text
    (site.folder / "x.safetensors.index.json").write_text('{"weight_map": {"a": "gone"}}')
    text = refusal(lambda: open_weights(site.url("x.safetensors.index.json")))
    assert "names the file 'gone', which is not in its folder." in text


def test_configuration_next_to_a_file_is_found(site: Site) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(7)
    fused = {"h.attn.qkv.weight": numbers(rng, 96, 32)}
    save_file(fused, site.folder / "model.safetensors")
    config = {"num_attention_heads": 4, "num_key_value_heads": 4, "hidden_size": 32}
    (site.folder / "config.json").write_text(json.dumps(config))
    here = open_weights(site.folder / "model.safetensors").entries[0]
    assert here.layout.parts
    assert open_weights(site.url("model.safetensors")).entries[0].layout == here.layout


def test_one_slice_of_a_model_is_not_taken_for_the_model(site: Site) -> None:
    torch = pytest.importorskip("torch")
    for number in range(2):
        torch.save({"w": torch.ones(4, 4)}, site.folder / f"consolidated.0{number}.pth")
    text = refusal(lambda: open_weights(site.url("consolidated.00.pth")))
    assert "is one of several parts of every matrix of a model" in text


@pytest.mark.lengthy
def test_thirty_gigabytes_are_listed_within_two_seconds(tmp_path: Path) -> None:
    """3000 tensors in a sparse file, in a process of its own; the import is not counted."""
    count, side, itemsize = 3000, (2500, 2000), 2
    nbytes = side[0] * side[1] * itemsize
    header = json.dumps(
        {
            f"model.layers.{n}.weight": {
                "dtype": "BF16",
                "shape": side,
                "data_offsets": [n * nbytes, (n + 1) * nbytes],
            }
            for n in range(count)
        }
    ).encode()
    text = len(header).to_bytes(8, "little") + header

    class Sparse(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Answer a range of the header, and zeros behind it."""
            found = re.findall(r"\d+", self.headers["Range"])
            begin, end = int(found[0]), int(found[1]) + 1
            size = len(text) + count * nbytes
            body = text[begin:end].ljust(end - begin, b"\0")
            self.send_response(206 if "weights" in self.path else 404)
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sparse)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/weights.safetensors"
    code = (
        "import time; from pastur.weights import open_weights\n"
        f"begun = time.process_time(); found = open_weights({url!r})\n"
        "print(len(found.entries), time.process_time() - begun)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    server.shutdown()
    server.server_close()
    listed, seconds = done.stdout.split()
    assert int(listed) == count
    # CPU time: another process may well have the machine meanwhile, and loopback takes none.
    assert float(seconds) < 2


# --- the page ---


def test_examples_of_the_page_run(site: Site, model: dict[str, Any]) -> None:
    """Those in Python, with the local server in the place of the one that they name."""
    page = Path(__file__).parents[2] / "docs" / "remote.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        found: dict[str, Any] = {}
        address = re.compile(r"https://models\.example\.org/([\w.]+)")
        exec(address.sub(lambda match: site.url(match[1]), block), found)
        assert np.array_equal(found["first"], model["0.weight"])
        assert [matrix.name for matrix in found["analysis"].matrices] == ["1.weight"]


# --- credentials ---


@pytest.mark.lengthy
def test_no_password_is_ever_written(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    """In the terminal, in files, and in errors with their tracebacks."""
    url = site.url("model.safetensors")
    report, result, table = (tmp_path / name for name in ("r.html", "r.json", "r.csv"))
    outputs = ["-o", str(report), "--json", str(result), "--csv", str(table)]
    done = CliRunner().invoke(main, ["analyze", url, "--include", "0.*", *outputs])
    assert done.exit_code == 0, done.output
    assert json.loads(result.read_text())["source"].startswith("http://127.0.0.1:")
    texts = [done.output, *(path.read_text() for path in (report, result, table))]
    wrong = CliRunner().invoke(main, ["analyze", url, "--include", "no*", "--debug"])
    site.fault = lambda request, number: setattr(request, "code", 500)
    gone = CliRunner().invoke(main, ["analyze", url, "--debug"])
    for failed in (wrong, gone):
        assert failed.exit_code == 1
        assert "Traceback" in failed.output
        texts.append(failed.output)
    for text in texts:
        assert not any(secret in text for secret in SECRETS)


def test_headers_come_from_the_configuration(
    site: Site, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    seen = []
    site.fault = lambda request, number: seen.append(request.handler.headers["X-Token"])
    options = {"headers": {"X-Token": SECRETS[1]}}
    monkeypatch.setitem(fsspec.config.conf, "http", options)
    open_weights(site.url("model.safetensors"))
    assert set(seen) == {SECRETS[1]}


def test_large_letters_of_a_scheme_are_small_ones(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors").replace("http:", "HTTP:"))
    assert np.array_equal(weights.read("2.weight"), model["2.weight"])


def test_representations_hold_no_password(site: Site, model: dict[str, Any]) -> None:
    from pastur.weights._places.remote_path import RemotePath

    path = RemotePath(site.url("model.safetensors"))
    weights = open_weights(site.url("model.safetensors"))
    with path.open("rb") as file:
        shown = [repr(path), str(path), repr(path.parent), repr(weights), repr(file)]
    for text in (*shown, refusal(lambda: weights.read("no such"))):
        assert not any(secret in text for secret in SECRETS)


def test_compressing_by_url_is_refused_at_once(site: Site, model: dict[str, Any]) -> None:
    url = site.url("model.safetensors")
    done = CliRunner().invoke(main, ["compress", url, "-o", "x.safetensors", "--size", "0.5"])
    assert done.exit_code == 1
    assert "is not on this machine" in done.output
    assert not any(secret in done.output for secret in SECRETS)
    assert not site.requests
