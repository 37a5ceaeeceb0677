"""The one door to Smart-ID (RP API v3, authentication): asks, waits, and believes an answer only after
checking all of it.

`door.py` is what the rest of the provider uses. All else is pure: values and a moment in, a value or a
refusal out. Section numbers are those of the specification, `../shared/smart-id/spec.md`.

Deliberately not here: signing, people and accounts, which browser may come back (the web's cookie says that),
limits and alarms.
"""
