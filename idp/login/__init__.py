"""Who are you, and how surely: sign-in transactions, sessions, enrolment. Knows no OAuth and no HTTP."""
