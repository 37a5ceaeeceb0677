"""The least that Flask can do: what every number is held against."""

from flask import Flask

application = Flask("bare")


@application.get("/")
def nothing() -> str:
    return "nothing"
