"""Passkeys and security keys (W3C Web Authentication Level 3): two methods over one ceremony."""
