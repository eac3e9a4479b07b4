"""How a claim is tested: its draws, rates with standard errors, records, the verdict."""
