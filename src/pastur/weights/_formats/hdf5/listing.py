"""All objects of an HDF5 file, each with a reason where it is not read; for `worker`."""

from typing import Any

from pastur._foreign import shown
from pastur.weights._formats.hdf5.data_sets import PACKED_FLOOR, PACKED_RATIO, described

# Of names, and of objects: what is listed may take so much, and a multiple of the file.
NAMES, OBJECTS = 16_000_000, 100_000
LONGEST_LABEL = 1000
# The last name of a list that is not complete: no object can have one that ends like this.
REST = "…/"


class Listing:
    """Every object of a file, in the order of their paths; whatever is odd is a reason."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self.size = file, size
        self.found: list[dict[str, Any]] = []
        self.names: set[str] = set()
        self.seen: dict[int, Any] = {}
        self.letters = self.stored = self.beyond = 0

    def all(self) -> list[dict[str, Any]]:
        """Walk through the groups, without recursion: they may be nested without end."""
        from h5py import h5g, h5o

        root = h5g.open(self.file, b"/")
        self.seen[h5o.get_info(root).addr] = None
        waiting: list[tuple[Any, bytes, str, Any]] = [(root, b".", "", None)]
        while waiting:
            parent, name, label, node = waiting.pop()
            group = h5g.open(parent, name)
            deeper = []
            try:
                links = list(group)
            except Exception as error:
                self.add(path_of(node) + b"/", fault(error))
                continue
            for link in links:
                if self.full():
                    self.found.append(listed(REST, self.rest()))
                    return self.found
                below = self.entry(group, link, label, (node, link))
                deeper += [] if below is None else [(group, link, below, (node, link))]
            waiting += reversed(deeper)
        return self.found

    def full(self) -> bool:
        """Whether as much is listed as may be."""
        return self.letters > NAMES + 4 * self.size or len(self.found) > OBJECTS + self.size // 100

    def rest(self) -> str:
        """Return the reason that stands for all that is not listed."""
        what = f"{len(self.found)} objects with names of {self.letters} bytes"
        return f"stands for all that the file holds beyond {what}, which is not listed"

    def entry(self, group: Any, link: bytes, label: str, node: Any) -> str | None:
        """List the target of a link; for a group, return the label of its contents."""
        import h5py
        from h5py import h5l, h5o

        try:
            if group.links.get_info(link).type != h5l.TYPE_HARD:
                self.add(path_of(node), "is a link, which is not followed", "link")
                return None
            item = h5o.open(group, link)
            address = h5o.get_info(item).addr
            if address in self.seen:
                same = shown(text(path_of(self.seen[address])) or "/")
                self.add(path_of(node), f"is the same object as {same}")
            elif isinstance(item, h5py.h5g.GroupID):
                self.seen[address] = node
                return own_label(item)
            elif isinstance(item, h5py.h5d.DatasetID):
                self.seen[address] = node
                about = described(item)
                reason = about["reason"] or self.shared(about)
                self.add(path_of(node), reason, about["dtype"], about["shape"], label)
            else:
                self.add(path_of(node), "is a type, not a data set", "type")
        except Exception as error:  # one odd object must not hide the others
            self.add(path_of(node), fault(error))
        return None

    def shared(self, about: dict[str, Any]) -> str:
        """Return why what a data set claims, with those before it, is more than the file holds."""
        stored, nbytes = about["stored"], about["nbytes"]
        beyond = max(0, nbytes - PACKED_RATIO * stored)
        if self.beyond + beyond > PACKED_FLOOR:
            return f"claims {nbytes} bytes, and {stored} are in the file"
        if self.stored + stored > self.size:
            return f"shares its {stored} bytes with other data sets"
        self.beyond += beyond
        self.stored += stored
        return ""

    def add(
        self, path: bytes, reason: str, dtype: str = "unknown", shape: Any = (), label: str = ""
    ) -> None:
        """List one object."""
        name = text(path)
        if name in self.names:
            reason = reason or "has the name of another object"
        self.names.add(name)
        self.letters += len(path)
        self.found.append(listed(name, reason, dtype, shape, label))


def listed(
    name: str, reason: str, dtype: str = "unknown", shape: Any = (), label: str = ""
) -> dict[str, Any]:
    """Return one entry of the list."""
    return {"name": name, "reason": reason, "dtype": dtype, "shape": list(shape), "label": label}


def path_of(node: Any) -> bytes:
    """Return the path of an object, which is known by its name and the group that it is in."""
    parts = []
    while node is not None:
        node, name = node
        parts.append(name)
    return b"/".join(reversed(parts))


def text(name: bytes) -> str:
    """Return a name of the file as text; `octets` undoes it."""
    return name.decode("utf-8", "surrogateescape")


def octets(name: str) -> bytes:
    """Return the bytes of a name."""
    return name.encode("utf-8", "surrogateescape")


def fault(error: Exception) -> str:
    """Return what an error says about an object."""
    if isinstance(error, MemoryError):
        return "needs more memory than it may take"
    words = " ".join(str(error).split())[:200]
    return (
        f"cannot be read by HDF5 ({words if words.isprintable() and words else 'no reason given'})"
    )


def own_label(group: Any) -> str:
    """Return the name that Keras gave to a layer, where a group has one."""
    import h5py

    try:
        value = h5py.Group(group).attrs.get("name", "")
    except Exception:  # an attribute of an odd type
        return ""
    return value[:LONGEST_LABEL] if isinstance(value, str) else ""


def configuration(file: Any) -> str:
    """Return the model's configuration in an attribute of the file, as older Keras left it."""
    try:
        config = file.attrs.get("model_config", "")
    except Exception:
        return ""
    words = config.decode("utf-8", "replace") if isinstance(config, bytes) else config
    return words if isinstance(words, str) else ""
