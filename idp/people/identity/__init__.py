"""Confirming once who owns an account, and getting back in by confirming it again."""
