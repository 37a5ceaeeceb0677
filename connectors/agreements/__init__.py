"""Where each municipality stands in each programme; deliberately decides nothing for other connectors yet."""
