"""Servers that answer ranges badly, or with malice: nothing wrong is read, and all is said."""

import asyncio
import datetime
import json
import pickle
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import attack_files
import numpy as np
import pytest
from attack_files import Attack
from web_site import SECRETS, Request, Site, read_all, refusal, same, words_of

from pastur import analyze
from pastur._errors import FileAccessError, PasturError
from pastur.weights import open_weights
from pastur.weights._places.server import FinalError
from pastur.weights._places.web import _request

pytest.importorskip("aiohttp")


@pytest.mark.parametrize("every", [2, 3])
def test_dropped_connections_are_tried_again(site: Site, model: dict[str, Any], every: int) -> None:
    def drop(request: Request, number: int) -> None:
        if number % every == 1:
            request.body = request.body[: len(request.body) // 2]

    site.fault = drop
    assert same(read_all(site.url("model.safetensors")), model)


def test_a_server_in_trouble_is_asked_again(site: Site, model: dict[str, Any]) -> None:
    def fail(request: Request, number: int) -> None:
        if number % 3:
            request.code, request.body = 503, b""
            request.headers["Content-Length"] = "0"

    site.fault = fail
    assert same(read_all(site.url("model.safetensors")), model)
    site.fault = lambda request, number: fail(request, 1)
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "cannot be read: its server answers 503. It was tried 3 times." in text


def test_connections_that_always_drop_are_an_error(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def drop(request: Request, number: int) -> None:
        request.body = request.body[:1000]

    site.fault = drop
    with pytest.raises(FileAccessError, match=r"broke off in the middle\. It was tried 3 times"):
        weights.read("0.weight")
    site.server.shutdown()
    site.server.server_close()
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "there is no connection to its server, or it broke off. It was tried 3 times." in text


@pytest.mark.lengthy
def test_silence_and_trickles_come_to_an_end(
    site: Site, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = open_weights(site.url("model.safetensors"))
    monkeypatch.setattr("pastur.weights._places.web._SILENCE", 0.2)
    site.fault = lambda request, number: time.sleep(0.5)
    begun = time.monotonic()
    with pytest.raises(FileAccessError, match=r"did not answer in time\. It was tried 3 times"):
        weights.read("0.weight")
    assert time.monotonic() - begun < 30
    monkeypatch.setattr("pastur.weights._places.server._PATIENCE", 0.3)
    monkeypatch.setattr("pastur.weights._places.server._BYTES_A_SECOND", 1e9)

    def trickle(request: Request, number: int) -> None:
        request.handler.send_response(206)
        for name, value in request.headers.items():
            request.handler.send_header(name, value)
        request.handler.end_headers()
        for byte in request.body[:40]:
            request.handler.wfile.write(bytes([byte]))
            time.sleep(0.05)
        request.body = b""

    site.fault = trickle
    begun = time.monotonic()
    with pytest.raises(FileAccessError, match="did not answer in time"):
        weights.read("0.weight")
    assert time.monotonic() - begun < 30


def test_slow_answers_are_waited_for(site: Site, model: dict[str, Any]) -> None:
    site.fault = lambda request, number: time.sleep(0.1)
    assert same(read_all(site.url("model.safetensors")), model)


def test_a_server_without_ranges_is_named_as_such(site: Site, model: dict[str, Any]) -> None:
    site.fault = lambda request, number: request.whole()
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "its server sends the whole file, 2.4 MB, whatever is asked for. Copy it" in text
    # What fits into one answer is right all the same.
    np.save(site.folder / "small.npy", np.eye(20))
    assert np.array_equal(read_all(site.url("small.npy"))["small"], np.eye(20))


def test_ranges_that_are_ignored_later_are_seen(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))
    site.fault = lambda request, number: request.whole()
    with pytest.raises(FileAccessError, match="sends the whole file"):
        weights.read("0.weight")


def test_another_range_than_asked_for_is_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def shift(request: Request, number: int) -> None:
        stated = request.headers["Content-Range"]
        request.headers["Content-Range"] = stated.replace(f"{request.begin}-", "17-")

    site.fault = shift
    with pytest.raises(FileAccessError, match="answers with another range than asked for"):
        weights.read("0.weight")


def test_more_bytes_than_asked_for_are_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def more(request: Request, number: int) -> None:
        request.body += b"more"
        request.headers["Content-Length"] = str(len(request.body))

    site.fault = more
    with pytest.raises(FileAccessError, match="sends more than it was asked for"):
        weights.read("0.weight")


def test_packed_answers_are_refused(site: Site, model: dict[str, Any]) -> None:
    import gzip

    weights = open_weights(site.url("model.safetensors"))

    def pack(request: Request, number: int) -> None:
        request.body = gzip.compress(bytes(10_000_000))
        request.headers |= {"Content-Encoding": "gzip", "Content-Length": str(len(request.body))}

    site.fault = pack
    with pytest.raises(FileAccessError, match="its server packs what it sends, unasked"):
        weights.read("0.weight")


def test_fewer_bytes_than_asked_for_are_refused(site: Site, model: dict[str, Any]) -> None:
    weights = open_weights(site.url("model.safetensors"))

    def fewer(request: Request, number: int) -> None:
        request.body = request.body[:-4]
        request.headers["Content-Length"] = str(len(request.body))

    site.fault = fewer
    with pytest.raises(FileAccessError, match="ends early"):
        weights.read("0.weight")


@pytest.mark.parametrize("size", [10, 2_400_000, 10**15, 10**18])
def test_a_wrong_size_is_never_believed(site: Site, model: dict[str, Any], size: int) -> None:
    """The format's own checks see it, as in a file that was cut off or has something behind it."""
    site.fault = lambda request, number: request.claim(size)
    refusal(lambda: open_weights(site.url("model.safetensors")))


def test_a_claimed_header_costs_no_memory(site: Site) -> None:
    """The file says 50 MB of header, the server confirms it, and neither has them."""
    (site.folder / "liar.safetensors").write_bytes((50_000_000).to_bytes(8, "little") + b"{" * 100)
    site.fault = lambda request, number: request.claim(10**12)
    text = refusal(lambda: open_weights(site.url("liar.safetensors")))
    assert "answers with another range" in text or "ends early" in text


@pytest.mark.parametrize("with_mark", [True, False])
def test_a_file_that_changes_midway_is_seen(
    site: Site, model: dict[str, Any], with_mark: bool
) -> None:
    def unmarked(request: Request, number: int) -> None:
        if not with_mark:
            del request.headers["ETag"]

    site.fault = unmarked
    weights = open_weights(site.url("model.safetensors"))
    assert np.array_equal(weights.read("0.weight"), model["0.weight"])
    path = site.folder / "model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    # Without a mark only the size can show it.
    path.write_bytes(bytes(changed) + b"" if with_mark else bytes(changed) + b"x")
    with pytest.raises(FileAccessError, match="has changed on its server since it was opened"):
        weights.read("0.weight")
    path.unlink()
    with pytest.raises(FileAccessError, match="may no longer be read: its server answers 404"):
        weights.read("0.weight")


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_change_between_the_processes_of_a_run_is_seen(
    site: Site, model: dict[str, Any], name: str
) -> None:
    """What another process is given remembers of which files it is."""
    from pastur.analysis._model.selection import Selection

    path = site.folder / "model.safetensors"
    index = {"weight_map": dict.fromkeys(model, path.name)}
    (site.folder / "model.safetensors.index.json").write_text(json.dumps(index))
    chosen = Selection.of(site.url(name), include=None, exclude=None, unfold="outputs")
    assert chosen.absolute().source == chosen.source
    chosen.open()
    sent = pickle.dumps(chosen.absolute())
    assert len(sent) < 2000
    there = pickle.loads(sent).open()
    assert np.array_equal(there.read("0.weight"), model["0.weight"])
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(FileAccessError, match="has changed on its server"):
        pickle.loads(sent).open()


def test_a_run_that_lost_its_server_resumes(
    site: Site, model: dict[str, Any], tmp_path: Path
) -> None:
    url, folder = site.url("model.safetensors"), tmp_path / "records"
    whole = analyze(url)

    def fail(request: Request, number: int) -> None:
        request.code = 500 if request.begin > 1_000_000 else 206

    site.fault = fail
    assert "answers 500" in refusal(lambda: analyze(url, resume=folder))
    assert not any(secret in path.read_text() for path in folder.iterdir() for secret in SECRETS)
    site.fault, site.requests = lambda request, number: None, []
    resumed = analyze(url, resume=folder)
    for one, other in zip(whole.matrices, resumed.matrices, strict=True):
        assert one.fit.to_dict() == other.fit.to_dict()
    # The finished ones are not fetched again: the server's mark is that of the same content.
    fetched = {begin for _, begin, _ in site.requests if begin}
    assert min(fetched) > 900_000
    # A mark that is not of the content is not enough.
    site.requests = []
    site.fault = lambda request, number: request.headers.update({"ETag": 'W/"weak"'})
    analyze(url, resume=folder)
    assert len([begin for _, begin, _ in site.requests if begin]) == len(model)


def test_a_changed_file_is_analysed_anew(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    url, folder = site.url("model.safetensors"), tmp_path / "records"
    analyze(url, resume=folder, include=["0.*"])
    path = site.folder / "model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-(5 * 480_000)] ^= 0x40
    path.write_bytes(changed)
    found = analyze(url, resume=folder, include=["0.*"]).matrices[0]
    assert found.fit.to_dict() == analyze(path, include=["0.*"]).matrices[0].fit.to_dict()


def _redirect(target: str) -> Callable[[Request, int], None]:
    def answer(request: Request, number: int) -> None:
        request.code, request.body = 302, b""
        request.headers = {"Location": target, "Content-Length": "0"}

    return answer


def test_redirects_stay_on_the_web(site: Site, model: dict[str, Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes((site.folder / "model.safetensors").read_bytes())
    site.fault = _redirect(secret.as_uri())
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "it is, or leads to, no address of the web" in text
    site.fault = _redirect("/model.safetensors")
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "its server sends from one address to another" in text
    other = Site(site.folder)
    site.fault = _redirect(other.url("model.safetensors"))
    assert same(read_all(site.url("model.safetensors")), model)
    other.server.shutdown()
    other.server.server_close()


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_what_may_not_be_read_is_not_there(site: Site, model: dict[str, Any], code: int) -> None:
    def refuse(request: Request, number: int) -> None:
        request.code, request.body = code, b""
        request.headers = {"Content-Length": "0"}

    site.fault = refuse
    text = refusal(lambda: open_weights(site.url("model.safetensors")))
    assert "is not there, or may not be read with the credentials given" in text


def test_an_answer_of_no_sense_is_an_error(site: Site, model: dict[str, Any]) -> None:
    def confuse(request: Request, number: int) -> None:
        request.handler.wfile.write(b"no protocol at all\r\n\r\n")
        request.body = b""

    site.fault = confuse
    assert "cannot be read" in refusal(lambda: open_weights(site.url("model.safetensors")))


# Those that take long to write, or HDF5 long to find out.
LONG = ("bomb.npz", "names.h5", "inflate.h5")


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(one, id=one.file, marks=[pytest.mark.slow] if one.file in LONG else [])
        for one in attack_files.ATTACKS
    ],
)
def test_attacks_fail_as_they_do_on_this_machine(site: Site, attack: Attack) -> None:
    package = attack_files.NEEDED.get(Path(attack.file).suffix)
    if package:
        pytest.importorskip(package)
    (site.folder / attack_files.SECRET).write_bytes(bytes(48))
    path = site.folder / "attack" / attack.file
    path.parent.mkdir()
    attack.write(path)

    def said(source: Any) -> str:
        try:
            return analyze(source).summary()
        except PasturError as error:
            return words_of(error)

    there = re.sub(r"http://127[.\d:]+", str(site.folder), said(site.url(f"attack/{attack.file}")))
    assert there == said(path)
    assert re.search(attack.answer, there)


class _Downgrade:
    """A session whose answer comes from another address than was asked for."""

    kwargs: ClassVar[dict[str, Any]] = {}
    status = 206
    headers: ClassVar[dict[str, str]] = {"Content-Range": "bytes 0-9/10"}
    url = SimpleNamespace(scheme="http")

    async def set_session(self) -> "_Downgrade":
        return self

    def encode_url(self, url: str) -> str:
        return url

    def get(self, url: str, **_: Any) -> "_Downgrade":
        return self

    async def __aenter__(self) -> "_Downgrade":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave all as it is."""


def test_no_server_leads_away_from_https() -> None:
    with pytest.raises(FinalError, match="its server leads away from HTTPS"):
        asyncio.run(_request(_Downgrade(), "https://host/model.npy", 0, 10))


@pytest.mark.lengthy
def test_certificates_are_looked_at(
    site: Site, model: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that vouches for itself is refused, and read once its certificate is trusted."""
    key, certificate = _self_signed(tmp_path)
    safe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    safe.load_cert_chain(certificate, key)
    site.server.socket = safe.wrap_socket(site.server.socket, server_side=True)
    url = site.url("model.safetensors").replace("http:", "https:").replace("127.0.0.1", "localhost")
    assert "the certificate of its server is not trusted" in refusal(lambda: open_weights(url))
    code = f"from pastur.weights import open_weights; print(len(open_weights({url!r}).entries))"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(len(model))


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a key and a certificate for this machine, valid for a day."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(hours=1),
        not_valid_after=now + datetime.timedelta(days=1),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = serialization.Encoding.PEM
    files = folder / "key.pem", folder / "certificate.pem"
    files[0].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files[1].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    return files
