"""The documentation site: `make docs` builds it into build/docs, without the network."""

import re
from typing import Any

import matplotlib.style
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx_gallery.sorting import ExplicitOrder

from pastur import _HOME, __version__

project = "pastur"
author = "The pastur developers"
copyright = "The pastur developers"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]

# --- pages ---

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# --- the reference ---

# In docstrings single backticks are for names.
default_role = "code"

autosummary_generate = True
# What a room offers is its `__all__`, wherever the names are defined.
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# The template of a class lists them, with what they say.
numpydoc_show_class_members = False

# --- the gallery ---

# In the order of reading.
GALLERY = ["peche_transition", "inside_the_bulk", "spikes_at_finite_size"]
GALLERY += ["outliers_at_a_billion", "spikes_in_a_gap"]
GALLERY += ["noise_level_at_growing_rank", "uneven_variances", "no_law_fits"]
GALLERY += ["image_stack", "count_matrix", "returns", "trained_network", "compression_curves"]

sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": [f"../gallery/{name}" for name in ("theory", "estimation", "data")],
    "within_subsection_order": ExplicitOrder([f"{name}.py" for name in GALLERY]),
    # A script whose claim fails is a failure of the build.
    "abort_on_example_error": True,
    # What can be downloaded is the script itself.
    "notebook_extensions": set(),
    "download_all_examples": False,
    "write_computation_times": False,
    "min_reported_time": float("inf"),
    "show_signature": False,
    # Scripts draw in the style of the reader, which is set here.
    "reset_modules": (),
}
matplotlib.style.use("seaborn-v0_8-colorblind")
matplotlib.rcParams["savefig.dpi"] = 130

# --- how it looks ---

html_theme = "pydata_sphinx_theme"
html_title = "pastur"
html_static_path = ["_static"]
html_css_files = ["gallery.css"]
html_js_files = ["labels.js"]
html_show_sourcelink = False
# The first page has no others of its section.
html_sidebars = {"start": []}
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "collapse_navigation": True,
    "header_links_before_dropdown": 7,
}


# --- docstrings ---

_TAKEN = re.compile(r"(`+.*?`+)|\||(?<=\w)_(?!\w)")


def keep_signs(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Leave |x| and ``mean_`` what they are: to reStructuredText they are references."""
    lines[:] = [
        line if line.lstrip().startswith(">>>") else _TAKEN.sub(escaped, line) for line in lines
    ]


def escaped(found: re.Match[str]) -> str:
    """Return what is in backticks as it is, a sign with a backslash."""
    return found[1] or f"\\{found[0]}"


# --- names in pages ---

# Links have one already; titles are copied to lists, where links are no longer resolved.
_WITHOUT = (nodes.reference, addnodes.pending_xref, nodes.title)
_PUBLIC = re.compile(r"pastur(\.[A-Za-z]\w*)+")


def link_names(app: Sphinx, page: nodes.document) -> None:
    """Let the name of a public object in a page lead to its place in the reference."""
    for node in list(page.findall(nodes.literal)):
        name = node.astext()
        if _PUBLIC.fullmatch(name) and not isinstance(node.parent, _WITHOUT):
            link = addnodes.pending_xref(
                "",
                node.deepcopy(),
                refdomain="py",
                reftype="obj",
                reftarget=full_name(name),
                refexplicit=False,
                refwarn=False,
            )
            node.replace_self(link)


def full_name(name: str) -> str:
    """Return the name below the room where the object is documented."""
    _, first, *rest = name.split(".")
    home = ["pastur", _HOME[first]] if first in _HOME else ["pastur"]
    return ".".join([*home, first, *rest])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", keep_signs)
    app.connect("doctree-read", link_names)
