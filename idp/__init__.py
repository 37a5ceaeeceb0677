"""visvaris: the OpenID provider of the Latvian municipalities' unified system."""
