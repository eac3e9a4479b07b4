"""One small network in five formats, and the table of docs/formats.md with the findings for each.

python tools/dresses.py              # fills in the table

The formats are float32, bfloat16, int8 with a scale for each row, FP8 with a scale for each block
of 128 × 128, and a base model plus an adapter (LoRA) of rank 4 whose sum is the network.
"""

import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from page_blocks import between
from safetensors.numpy import load_file, save_file

from pastur.analysis import Analysis, analyze
from pastur.datasets import shipped_network_path

PAGE = Path(__file__).parent.parent / "docs" / "formats.md"
BEGIN, END = "<!-- tools/dresses.py -->\n", "<!-- end -->\n"
DRESSES = ("float32", "bfloat16", "int8 by row", "FP8 by block", "base + LoRA")
LAYERS = ("fc1.weight", "fc2.weight", "fc3.weight")
_BLOCK = 128
_RANK = 4


def network() -> dict[str, np.ndarray]:
    """Return the weights of the network, by name."""
    tensors = load_file(shipped_network_path())
    return {name: tensors[name] for name in LAYERS}


def dressed(folder: Path) -> dict[str, Analysis]:
    """Write the network in every format, and return the analysis of each."""
    weights = network()
    paths = {dress: folder / dress.replace(" ", "-") for dress in DRESSES}
    for path in paths.values():
        path.mkdir()
    _save(paths["float32"], weights)
    _save(paths["bfloat16"], {n: w.astype(ml_dtypes.bfloat16) for n, w in weights.items()})
    _save(paths["int8 by row"], _joined(_by_rows, weights))
    quantised = {"quant_method": "fp8", "weight_block_size": [_BLOCK, _BLOCK]}
    _save(paths["FP8 by block"], _joined(_by_blocks, weights), quantization_config=quantised)
    base, adapter = _split(weights)
    _save(folder, base)
    _save_adapter(paths["base + LoRA"], adapter)
    return {
        dress: analyze(
            path, base=folder / "model.safetensors" if "LoRA" in dress else None, noise="white"
        )
        for dress, path in paths.items()
    }


def _save(folder: Path, tensors: dict[str, np.ndarray], **config: object) -> None:
    save_file(tensors, folder / "model.safetensors")
    if config:
        (folder / "config.json").write_text(json.dumps(config), "utf-8")


def _joined(
    quantise: Callable[[str, np.ndarray], dict[str, np.ndarray]], weights: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    return {name: part for n, w in weights.items() for name, part in quantise(n, w).items()}


def _by_rows(name: str, w: np.ndarray) -> dict[str, np.ndarray]:
    scale = np.abs(w).max(1, keepdims=True) / 127
    return {name: np.round(w / scale).astype(np.int8), f"{name}_scale": scale}


def _by_blocks(name: str, w: np.ndarray) -> dict[str, np.ndarray]:
    rows, columns = (-(-side // _BLOCK) for side in w.shape)
    scale = np.empty((rows, columns), np.float32)
    codes = np.empty(w.shape, ml_dtypes.float8_e4m3fn)
    for i, j in np.ndindex(rows, columns):
        block = np.s_[_BLOCK * i : _BLOCK * (i + 1), _BLOCK * j : _BLOCK * (j + 1)]
        scale[i, j] = np.abs(w[block]).max() / 448
        codes[block] = (w[block] / scale[i, j]).astype(codes.dtype)
    return {name: codes, f"{name}_scale_inv": scale}


def _split(
    weights: dict[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return a base and an adapter whose sum is the weights, up to rounding."""
    rng = np.random.default_rng(0)
    base, adapter = {}, {}
    for name, w in weights.items():
        stem = name.removesuffix(".weight")
        a = rng.standard_normal((_RANK, w.shape[1])).astype(np.float32) / w.shape[1] ** 0.5
        b = rng.standard_normal((w.shape[0], _RANK)).astype(np.float32) / w.shape[0] ** 0.5
        adapter[f"base_model.model.{stem}.lora_A.weight"] = a
        adapter[f"base_model.model.{stem}.lora_B.weight"] = b
        base[name] = w - 2 * (b @ a)
    return base, adapter


def _save_adapter(folder: Path, adapter: dict[str, np.ndarray]) -> None:
    save_file(adapter, folder / "adapter_model.safetensors")
    layers = [name.removesuffix(".weight") for name in LAYERS]
    config = {"peft_type": "LORA", "r": _RANK, "lora_alpha": 2 * _RANK, "target_modules": layers}
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")


def table(found: dict[str, Analysis]) -> str:
    """Return the table: a row for each layer and format."""
    lines = ["| layer | format | σ | spikes | finding | rounding error / noise in an entry |"]
    lines.append("|---|---|---|---|---|---|")
    for name in LAYERS:
        for dress, analysis in found.items():
            matrix = next(m for m in analysis.matrices if m.name == name)
            step = matrix.step_variance
            share = "–" if step is None else f"{100 * step**0.5 / matrix.fit.entry_sd:.1f} %"
            lines.append(
                f"| {name} | {dress} | {matrix.fit.sigma:.3f} | {matrix.fit.rank} | "
                f"{matrix.fit.goodness.verdict} | {share} |"
            )
    return "\n".join(lines) + "\n"


def filled(page: str, found: dict[str, Analysis]) -> str:
    """Return the page with the table between its marks."""
    return between(page, BEGIN, END, f"\n{table(found)}\n")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        results = dressed(Path(place))
    PAGE.write_text(filled(PAGE.read_text("utf-8"), results), "utf-8")
