"""What a page is about, as its heading: a name that says more than "model.safetensors"."""

import re

# Files and folders that are called so in every model.
_COMMON = re.compile(
    r"(pytorch_|tf_|adapter_|diffusion_pytorch_|flax_)?(model|models|weights|checkpoints?|snapshots|"
    r"consolidated|main|resolve|blob|latest|best|state_dict)([-_.]?\d[\w-]*)?(\.[\w.]+)?|\.+|[0-9a-f]{12,}",
    re.IGNORECASE,
)
_HUB = re.compile(r"models--(.+?)--(.+)")
_BETWEEN = re.compile(r"[/\\]+")


def title_of(source: str) -> tuple[str, str]:
    """Return the heading for a source, and its path from there on: none of this machine's folders.

    Examples
    --------
    >>> title_of("/home/ada/minilm/model/model.safetensors")
    ('minilm', 'minilm/model/model.safetensors')
    >>> title_of("run-3/decoder.npz")
    ('decoder.npz', 'decoder.npz')
    """
    pairs = [_title_of_one(one) for one in source.split(" minus ")]
    titles, places = zip(*pairs, strict=True)
    return " minus ".join(titles), " minus ".join(places)


def _title_of_one(source: str) -> tuple[str, str]:
    pieces = [piece for piece in _BETWEEN.split(source) if piece]
    for place in range(len(pieces) - 1, -1, -1):
        if not _COMMON.fullmatch(pieces[place]):
            hub = _HUB.fullmatch(pieces[place])
            title = f"{hub[1]}/{hub[2]}" if hub else pieces[place]
            return title, "/".join(pieces[place:])
    last = pieces[-1] if pieces else source
    return last, last
