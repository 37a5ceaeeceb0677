"""The demonstration: people and applications with fixed, public credentials, for `make run`, tests and
scripts.
"""
