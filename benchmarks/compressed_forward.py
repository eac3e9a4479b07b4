"""CPU seconds of a forward pass through factors, next to the dense model.

    python benchmarks/compressed_forward.py

A BERT of the size of MiniLM, six blocks 384 wide and 1536 in between, with random numbers and few
words, so that nearly all parameters are those of products. Needs PyTorch and transformers. One
thread; the models take turns, and medians are compared.
"""

import statistics
import time
from typing import Any

import torch
from transformers import BertConfig, BertModel

import pastur
import pastur.torch

SIZES = (0.9, 0.8, 0.6, 0.4)
TURNS = 15
# Sentences, and tokens in each.
BATCHES = ((64, 16), (1, 128), (1, 8))
WORDS = 100


def network() -> Any:
    """Return the model, the same in every call."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=128,
    )
    return BertModel(config, add_pooling_layer=False).eval()


def seconds(module: Any, ids: Any) -> float:
    """Return the CPU seconds of one pass."""
    start = time.process_time()
    with torch.inference_mode():
        module(ids)
    return time.process_time() - start


def main() -> None:
    torch.set_num_threads(1)
    modules, analysis = {1.0: network()}, pastur.analyze(network())
    for size in SIZES:
        plan = pastur.plan_compression(analysis, network(), target={"size": size})
        modules[size] = pastur.torch.compress(network(), plan)
    for sentences, tokens in BATCHES:
        ids = torch.randint(0, WORDS, (sentences, tokens))
        taken: dict[float, list[float]] = {size: [] for size in modules}
        for _ in range(TURNS):
            for size, module in modules.items():
                taken[size].append(seconds(module, ids))
        medians = {size: statistics.median(times) for size, times in taken.items()}
        found = ", ".join(f"{size:g}: {t / medians[1.0]:.2f}" for size, t in medians.items())
        print(f"{sentences} × {tokens} tokens, {1e3 * medians[1.0]:.1f} ms dense; {found}")


if __name__ == "__main__":
    main()
