"""The password: the method itself (`method`), hashing, hashes of older systems, and what a new one must be
like.
"""
