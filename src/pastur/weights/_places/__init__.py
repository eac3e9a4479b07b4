"""Where weights lie: a path of this machine or a URL, which readers need not know."""
