"""Whether each extra brings what it is for: installed from the wheel, alone, in an environment.

    python tools/check_extras.py build/packages/pastur-*.whl [--only torch,onnx] [--torch ARGUMENTS]

For every extra of pyproject.toml: a fresh environment with the wheel and that extra, `import
pastur`, a small use of what it is for, and then, with the extra `test` added, a quick part of the
tests that need it. Packages are installed by uv, where there is one, which is quicker; else by pip.
Prints a line for each extra; the exit status is 1 if one fails, or if an extra has no line in
`EXTRAS`. Versions are those of constraints.txt. Of PyTorch the ordinary build is installed, which
brings several gigabytes of CUDA, unless `--torch` has the arguments of pip for another. `make
extras` builds the wheel and calls this.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSED = re.compile(r"(\d+) passed")


@dataclass(frozen=True)
class Extra:
    """What is done with an extra.

    Attributes
    ----------
    use : str
        Python that fails without it.
    tests : tuple of str
        Those that need it, or nothing: files, of which a quick part runs, or one by one.
    torch : bool
        Whether it brings PyTorch.
    """

    use: str
    tests: tuple[str, ...] = ()
    torch: bool = False


_W = "import numpy as np, pastur; w = np.random.default_rng(0).normal(size=(40, 60)); "
_READ = "; print(len(pastur.analyze(name).matrices))"
EXTRAS = {
    "torch": Extra(
        "import torch, pastur.torch; pastur.analyze(torch.nn.Linear(60, 40)).matrices[0]",
        ("tests/weights/test_torch.py", "tests/compression/test_noise_test.py"),
        torch=True,
    ),
    "pandas": Extra(
        _W + "print(pastur.analyze({'w': w}).to_dataframe())",
        ("tests/test_inputs.py", "tests/estimation/test_incomplete.py"),
    ),
    "sklearn": Extra(
        _W + "from pastur.sklearn import SpikedPCA; print(SpikedPCA().fit(w).n_components_)",
        ("tests/test_sklearn.py", "tests/test_spiked_covariance.py"),
    ),
    "onnx": Extra(
        _W + "import onnx; from onnx import helper, numpy_helper; name = 'm.onnx'; "
        "graph = helper.make_graph([], 'g', [], [], [numpy_helper.from_array(w, 'w')]); "
        "onnx.save(helper.make_model(graph), name)" + _READ,
        ("tests/weights/test_onnx.py",),
    ),
    "keras": Extra(
        _W + "import h5py; name = 'm.h5'; h5py.File(name, 'w').create_dataset('w', data=w)" + _READ,
        ("tests/weights/test_hdf5.py",),
    ),
    "gguf": Extra(
        _W + "import gguf; name = 'm.gguf'; g = gguf.GGUFWriter(name, 'a'); g.add_tensor('w', w); "
        "g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); "
        "g.close()" + _READ,
        ("tests/weights/test_gguf.py",),
    ),
    "dask": Extra(
        _W + "import dask.array, distributed; print(pastur.fit_operator(dask.array.from_array(w)))",
        ("tests/test_dask_cluster.py", "tests/estimation/test_operators.py"),
    ),
    "remote": Extra(
        "import fsspec, aiohttp, s3fs, pastur",
        ("tests/weights/test_remote.py",),
    ),
    "browser": Extra(
        "import playwright.sync_api, pastur",
        ("tests/report/test_browser.py::test_sorts_by_a_click",),
    ),
    "test": Extra(_W + "print(pastur.fit_rectangular(w))", ("tests/measures",)),
    "docs": Extra("import sphinx, myst_parser, numpydoc, sphinx_gallery.gen_gallery"),
    "formats": Extra(
        "import os; os.environ['KERAS_BACKEND'] = 'torch'; "
        "import keras, onnxruntime, onnxscript, compressed_tensors, peft, moto.server, pastur",
        ("tests/weights/test_keras.py", "tests/weights/test_compressed_tensors.py"),
        torch=True,
    ),
    "bench": Extra("import weightwatcher, pastur", torch=True),
}


class FailedError(Exception):
    """A step that failed, with what it printed last."""


def named() -> list[str]:
    """Return the extras of pyproject.toml, in its order."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["project"]["optional-dependencies"])


def step(*command: str, folder: Path) -> str:
    """Run a command; return what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError("\n".join((done.stdout + done.stderr).strip().splitlines()[-15:]))
    return done.stdout


def check(name: str, wheel: Path, folder: Path, torch: list[str]) -> str:
    """Return what was found of one extra, installed into a new environment in `folder`."""
    extra = EXTRAS[name]
    step(sys.executable, "-m", "venv", str(folder), folder=ROOT)
    python = str(folder / "bin" / "python")
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [python, "-m", "pip"]
    of_it = ["--python", python] if uv else []
    install = [*pip, "install", "--quiet", *of_it, "--constraint", str(ROOT / "constraints.txt")]
    if extra.torch and torch:
        step(*install, *torch, folder=ROOT)
    step(*install, f"pastur[{name}] @ {wheel.as_uri()}", folder=ROOT)
    step(*pip, "check", *of_it, folder=ROOT)
    step(python, "-c", "import pastur", folder=folder)
    step(python, "-c", extra.use, folder=folder)
    if not extra.tests:
        return "imported and used"
    step(*install, f"pastur[test] @ {wheel.as_uri()}", folder=ROOT)
    quick = () if "::" in extra.tests[0] else ("--quick",)
    pytest = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *quick, *extra.tests)
    found = PASSED.search(step(*pytest, folder=ROOT))
    if not found:
        raise FailedError("none of its tests ran")
    return f"imported and used, {found[1]} tests passed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--only", default=",".join(named()), help="names, with commas")
    parser.add_argument("--torch", default="", metavar="ARGUMENTS", help="of pip, before the extra")
    parser.add_argument("--keep", action="store_true", help="leave the environments in place")
    given = parser.parse_args()
    wanted = given.only.split(",")
    failed = [name for name in named() if name not in EXTRAS]
    for name in failed:
        print(f"{name:8} FAILED: it has no line in tools/check_extras.py")
    for name in [name for name in wanted if name in EXTRAS]:
        folder = ROOT / "build" / "extras" / name
        shutil.rmtree(folder, ignore_errors=True)
        begin, before = time.monotonic(), os.times()
        try:
            found = check(name, given.wheel.resolve(), folder, given.torch.split())
        except FailedError as error:
            failed.append(name)
            found = f"FAILED\n{error}"
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        print(f"{name:8} {time.monotonic() - begin:4.0f} s, {cpu:3.0f} s of CPU: {found}",
              flush=True)  # fmt: skip
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
