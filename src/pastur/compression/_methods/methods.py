"""All methods, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pastur._vocabulary import Word, table
from pastur.compression._methods import of_outputs, pruning, rounding_methods, spectral
from pastur.compression._methods.menu import Menu, Subject, only_kept

Target = Mapping[str, float]
_Menus = Callable[[Sequence[Subject], Target], list[Menu]]


class MethodName(Word):
    """Names of the methods."""

    TRUNCATE = "truncate"
    EDGE = "edge"
    DENOISE = "denoise"
    SHRINK = "shrink"
    ENERGY = "energy"
    RANK = "rank"
    STABLE_RANK = "stable_rank"
    MAGNITUDE = "magnitude"
    EDGE_BUDGET = "edge_budget"
    RAMP = "ramp"
    ROUND = "round"
    SPLIT = "split"
    RANKS = "ranks"
    OUTPUTS = "outputs"
    WHITENED = "whitened"


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    menus : callable
        ``menus(subjects, target)``: the menu of each matrix; the target may be empty.
    sentence : str
        What it does and rests on.
    unit : str
        What a size counts: ``"parameters"`` or ``"bytes"``.
    needs : tuple of str
        Targets of which it needs one; empty where it has choices of its own.
    reads_noise : bool
        Whether a plan depends on the noise that the analysis found. All others make do with white
        noise, which takes less time.
    reads_inputs : bool
        Whether it needs the inputs of the layers.
    """

    menus: _Menus
    sentence: str
    unit: str = "parameters"
    needs: tuple[str, ...] = ()
    reads_noise: bool = False
    reads_inputs: bool = False


def _each(menu: Callable[[Subject], Menu]) -> _Menus:
    return lambda subjects, target: [menu(subject) for subject in subjects]


def _wide(menu: Callable[[Subject], Menu]) -> _Menus:
    """Return the menus of a method that leaves directions out: not of a matrix with few of them."""

    def one(subject: Subject) -> Menu:
        side, least = min(subject.shape), subject.min_side
        if side < least:
            reason = f"short side {side}, below {least}: all directions kept"
            return only_kept(subject.entries, reason)
        return menu(subject)

    return _each(one)


def _rounded(subjects: Sequence[Subject], target: Target) -> list[Menu]:
    every = bool(target)
    return [rounding_methods.round_entries(subject, every=every) for subject in subjects]


_ANY = ("size", "error")
METHODS: Mapping[Word, Method] = table(
    MethodName,
    {
        MethodName.TRUNCATE: Method(
            _wide(spectral.truncate),
            "Leading directions, ranks where the least is lost for each parameter saved; all "
            "matrices count alike, each scaled to entries of rms 1.",
            needs=_ANY,
        ),
        MethodName.EDGE: Method(
            _wide(spectral.edge),
            "Leading directions beyond the edge of the noise; with a target, beyond one multiple "
            "of it in all matrices. That noise is of no use to the model is an assumption.",
            reads_noise=True,
        ),
        MethodName.DENOISE: Method(
            _wide(spectral.denoise),
            "The denoised matrix of each fit, under the noise that the analysis used. That noise "
            "is of no use to the model is an assumption.",
            reads_noise=True,
        ),
        MethodName.SHRINK: Method(
            _wide(spectral.shrink),
            "Singular values shrunk as is best for white noise and low rank (Gavish, Donoho 2017), "
            "whether or not the matrix is that.",
        ),
        MethodName.ENERGY: Method(
            _wide(spectral.energy),
            "Leading directions with the same share of the energy in every matrix.",
            needs=_ANY,
        ),
        MethodName.RANK: Method(
            _wide(spectral.rank),
            "Leading directions with the same share of the parameters in every matrix.",
            needs=_ANY,
        ),
        MethodName.STABLE_RANK: Method(
            _wide(spectral.stable_rank),
            "As many leading directions as the stable rank ‖W‖²/s₁²; with a target, in proportion "
            "to it.",
        ),
        MethodName.MAGNITUDE: Method(
            pruning.magnitude,
            "Entries below one threshold become zero; it is the same in all matrices.",
            needs=_ANY,
        ),
        MethodName.EDGE_BUDGET: Method(
            pruning.edge_budget,
            "Entries below a threshold become zero; it is larger where the edge of white noise is "
            "high, as published by the authors of MP-pruning.",
            needs=("size",),
        ),
        MethodName.RAMP: Method(
            pruning.ramp,
            "The smallest entries become zero, their share rising by equal steps over depth; of "
            "the last matrix half the share that is left half-way remains, or more. What a budget "
            "by spectra has to beat.",
            needs=_ANY,
        ),
        MethodName.ROUND: Method(
            _rounded,
            "Entries rounded to nearest, one step for 32 neighbours; with a target, bits where the "
            "least is lost for each byte saved.",
            unit="bytes",
        ),
        MethodName.SPLIT: Method(
            _each(rounding_methods.split),
            "Leading directions in 16 bits, the rest in few bits, one step for each row.",
            unit="bytes",
        ),
        MethodName.RANKS: Method(
            _wide(spectral.wanted),
            "As many leading directions of each matrix as were asked for, or suggested by the "
            "analysis; with a target at most so many. A suggested rank says what can be "
            "distinguished from noise, not what the model needs.",
            reads_noise=True,
        ),
        MethodName.OUTPUTS: Method(
            _wide(of_outputs.outputs),
            "Leading directions of the outputs of each layer for inputs like those collected, "
            "whose moments are shrunk until documents left out agree; ranks where the least share "
            "of outputs is lost for each parameter saved, all layers counting alike unless their "
            "sensitivities are known. Losses are measured on documents that did not choose, and "
            "hold for documents drawn like these.",
            needs=("size", "loss", "each"),
            reads_inputs=True,
        ),
        MethodName.WHITENED: Method(
            _wide(of_outputs.whitened),
            "Leading directions of the outputs of each layer on the inputs collected, as measured "
            "(SVD-LLM, Wang, Zheng, Wan, Zhang 2025); ranks where the least share of outputs is "
            "lost for each parameter saved, all layers counting alike unless their sensitivities "
            "are known. Losses are measured on documents that did not choose, and hold for "
            "documents drawn like these.",
            needs=("size", "loss", "each"),
            reads_inputs=True,
        ),
    },
)
