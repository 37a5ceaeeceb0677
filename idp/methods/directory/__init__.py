"""The password of a municipality's directory: the method itself (`method`), and whom it asks (`doors`)."""
