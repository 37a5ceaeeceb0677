"""Pages: the only package, with the composition roots, that knows Flask. Decides nothing that `login` or
`oidc` decides.
"""
