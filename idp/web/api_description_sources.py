"""Those outside who vouch for people, in the description of the API: all of their parts."""

from typing import Any

from idp.web import (
    api_description_arrivals,
    api_description_directories,
    api_description_directory_runs,
    api_description_invitations,
    api_description_upstreams,
)


def paths() -> dict[str, Any]:
    return {
        **api_description_directories.paths(),
        **api_description_arrivals.paths(),
        **api_description_upstreams.paths(),
        **api_description_directory_runs.paths(),
    }


def schemas() -> dict[str, Any]:
    return {
        **api_description_directories.schemas(),
        **api_description_arrivals.schemas(),
        **api_description_upstreams.schemas(),
        **api_description_directory_runs.schemas(),
        **api_description_invitations.schemas(),
    }
