"""A small language model whose start is known: Llama's architecture, trained on Brown documents."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pastur._typing import AnyArray

# Of Brown's documents in their shuffled order: those before are for everything else.
TRAINED_FROM = 150
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the texts."""

    seed: int = 0
    vocabulary: int = 2048
    width: int = 192
    inner: int = 512
    blocks: int = 4
    heads: int = 6
    start: float = 0.04
    length: int = 256
    batch: int = 8
    steps: int = 800
    warm_up: int = 100
    rate: float = 2e-3
    decay: float = 0.1
    kept: tuple[int, ...] = (0, 100, 400, 800)


def tokenizer_of(documents: Sequence[str], vocabulary: int) -> Any:
    """Return a byte-level BPE of the documents."""
    from tokenizers import ByteLevelBPETokenizer

    found = ByteLevelBPETokenizer()
    found.train_from_iterator(documents, vocab_size=vocabulary, show_progress=False)
    return found


def stored_tokenizer(folder: Path) -> Any:
    """Return the tokenizer that a training has left in its folder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / TOKENIZER))


def network(recipe: Recipe) -> Any:
    """Return the network at its start, every matrix Gaussian of standard deviation `start`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=recipe.vocabulary,
            hidden_size=recipe.width,
            intermediate_size=recipe.inner,
            num_hidden_layers=recipe.blocks,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            initializer_range=recipe.start,
            max_position_embeddings=512,
            tie_word_embeddings=True,
        )
    ).eval()


def stored_network(folder: Path, step: int | None = None) -> Any:
    """Return the network of a training at a step, the last unless another is given."""
    from safetensors.torch import load_file

    recipe = stored_recipe(folder)
    found = network(recipe)
    numbers = load_file(folder / state_name(recipe.steps if step is None else step))
    missing, unexpected = found.load_state_dict(numbers, strict=False)
    # Tied to the embedding, which is stored.
    if missing != ["lm_head.weight"] or unexpected:
        raise ValueError(f"{folder} has a network of other tensors: train it again.")
    return found


def stored_recipe(folder: Path) -> Recipe:
    """Return the recipe of a training."""
    found = json.loads((folder / "made.json").read_text("utf-8"))["recipe"]
    return Recipe(**found | {"kept": tuple(found["kept"])})


def state_name(step: int) -> str:
    """Return the name of the file with the state after some steps."""
    return f"step-{step:05d}.safetensors"


def rate_at(recipe: Recipe, step: int) -> float:
    """Return the learning rate: up in a line, then down to a tenth along a cosine."""
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    way = (step - recipe.warm_up) / max(recipe.steps - recipe.warm_up, 1)
    return recipe.rate * (0.1 + 0.9 * (1 + math.cos(math.pi * way)) / 2)


def train(recipe: Recipe, tokens: AnyArray, folder: Path) -> list[float]:
    """Train on windows of a text drawn at random, write the states, and return the losses."""
    import torch
    from safetensors.torch import save_file

    found, rng = network(recipe).train(), np.random.default_rng(recipe.seed)
    grouped = {True: [], False: []}  # type: dict[bool, list[Any]]
    for parameter in found.parameters():
        grouped[parameter.ndim == 2].append(parameter)
    optimiser = torch.optim.AdamW(
        [
            {"params": grouped[True], "weight_decay": recipe.decay},
            {"params": grouped[False], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.95),
    )
    losses = []
    for step in range(recipe.steps + 1):
        if step in recipe.kept:
            state = {k: v.contiguous() for k, v in found.state_dict().items() if "lm_head" not in k}
            save_file(state, folder / state_name(step))
        if step == recipe.steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate_at(recipe, step)
        starts = rng.integers(len(tokens) - recipe.length, size=recipe.batch)
        windows = torch.from_numpy(np.stack([tokens[k : k + recipe.length + 1] for k in starts]))
        scores = found(windows[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), windows[:, 1:].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(found.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % 100 == 0:
            print(step, round(float(np.mean(losses[-100:])), 3), flush=True)
    return losses


def recipe_text(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as JSON has it."""
    return asdict(recipe) | {"kept": list(recipe.kept)}
