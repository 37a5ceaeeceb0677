"""What every connector needs to trust the provider; knows no connector, and not the provider's code."""
