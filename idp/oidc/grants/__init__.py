"""One file per grant: what is particular to it. Parsing, client authentication and audiences are held
outside.
"""
