"""The case, the loop, windows, schemes, mappings, exchange, ledger: no physics, no engine."""
