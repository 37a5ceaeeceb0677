"""Tables as typed SQLAlchemy 2 dataclasses: columns and facts about themselves, no queries."""
