"""People's accounts beyond signing in: where they are told what happens, and the letters that tell it."""
