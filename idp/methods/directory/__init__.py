"""What a municipality's directory vouches for: its password (`method`), its tickets (`kerberos`), and whom
both ask (`doors`).
"""
