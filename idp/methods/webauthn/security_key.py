"""Security keys: a second factor that cannot be phished, for somebody who has said who they are.

A key that asks for its PIN or finger proves as much as a passkey; one that is merely touched does so together
with something known (`policy.level_of`).
"""

from idp.methods.webauthn.keys import Keys
from idp.models.methods import Device, Factor, MethodFacts
from idp.words import N_

METHOD = "security_key"


class SecurityKey(Keys):
    facts = MethodFacts(
        id=METHOD,
        factor=Factor.POSSESSION,
        amr=("pop", "user"),
        phishing_resistant=True,
        touch_is_enough=True,
        enrollable=True,
        several=True,
        one_answer=True,
        needs=frozenset({Device.KEY}),
    )
    label = N_("Security key")
    description = N_("A small device that you plug in or hold against the phone, and touch.")
    discoverable = False
