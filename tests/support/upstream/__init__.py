"""A municipality's own OpenID provider, in the shapes in which Entra ID and AD FS send."""
