"""What survives and what expires: the only package that queries SQL and Redis. Decides nothing."""
