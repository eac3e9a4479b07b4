"""From an analysis to a plan: the choices of all matrices at one level."""
