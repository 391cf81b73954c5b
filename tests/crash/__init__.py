"""The crash loop: what was acknowledged is there after every crash, once, and in one log.

`make crash` runs it long; `tests/e2e/test_crash.py` runs a few rounds of it.
"""
