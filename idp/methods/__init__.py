"""Ways to prove who one is. Each is a sibling on `base`; none knows another."""
