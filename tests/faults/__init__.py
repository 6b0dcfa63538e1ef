"""Faults, and what must come of them; `make test-faults` runs these tests and writes docs/reliability.md."""
