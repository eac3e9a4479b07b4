"""The estimators, and what they have in common: data checked, centred and fitted."""
