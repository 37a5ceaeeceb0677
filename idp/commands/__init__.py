"""The subcommands of `visvaris`, one file for each noun. They parse, ask and print; what they do lives
elsewhere.
"""
