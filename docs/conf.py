"""The documentation site: `make docs` builds it into build/docs, without the network."""

import re
from typing import Any

from sphinx.application import Sphinx

from pastur import __version__

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

# --- how it looks ---

html_theme = "pydata_sphinx_theme"
html_title = "pastur"
html_static_path = ["_static"]
html_js_files = ["labels.js"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "collapse_navigation": True,
    "header_links_before_dropdown": 6,
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


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", keep_signs)
