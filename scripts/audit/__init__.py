"""What ships, looked through for known weaknesses: `make audit`.

Our own code by bandit, what is installed beside it by pip-audit. The first needs nothing; the
second asks a vulnerability service, and says loudly where none answered.
"""
