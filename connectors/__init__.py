"""Isolated services that accept our tokens; they know the provider by its issuer URL and nothing else."""
