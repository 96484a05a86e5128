"""Why Active Directory refuses a user, by the code in its own words: `data 52e` of a refused bind.

All codes but 52e, 525, 51f and 57 say that the password was right, or was not looked at: 775 comes with any.
"""

from typing import Final

from gateway.words.explanations import Explanation

AD_CODES: Final[dict[str, Explanation]] = {
    "52e": Explanation(
        "a wrong password, or a name that the domain controller does not know",
        "most likely the password, for the user was found; where auth_type=ntlm2 see also the domain in front of the "
        "name, or ntlm_domain",
    ),
    "525": Explanation("there is no such user", "compare the name with the directory's"),
    "52f": Explanation(
        "a restriction of the account forbids this login",
        "see which policies or authentication silos the account is under, and whether its password is empty",
    ),
    "530": Explanation(
        "the user may not log in at this hour", "see Logon Hours on the Account page of the user in the directory"
    ),
    "531": Explanation(
        "the user may not log in from this computer",
        "see Log On To on the Account page of the user in the directory: it must list ntlm_workstation, or the domain "
        "controllers where auth_type=plain",
    ),
    "532": Explanation(
        "the password has expired", "the user changes it at a Windows computer, or an administrator sets a new one"
    ),
    "533": Explanation("the account is disabled", "enable it in the directory, if the user is to log in"),
    "568": Explanation(
        "the user is in more groups than a login can carry", "take the user out of groups: about 1,000 are too many"
    ),
    "569": Explanation(
        "the user may not log in to the domain controller over the network",
        "see who has 'Access this computer from the network' in the domain controllers' policy",
    ),
    "701": Explanation(
        "the account has expired", "give it a later end: Account expires, on the Account page of the user"
    ),
    "773": Explanation(
        "the password must be changed before the next login",
        "the user changes it at a Windows computer; or clear 'User must change password at next logon'",
    ),
    "775": Explanation(
        "the account is locked after too many wrong passwords",
        "unlock it, and see which machine sent them: radgate why USER shows those that came through here, the domain "
        "controllers' security log all",
    ),
    "51f": Explanation(
        "no domain controller of the user's domain could be asked",
        "correct the domain in front of the user's name, or ntlm_domain; for another domain there must be a trust, or "
        "an [ad_client] of its own",
    ),
    "57": Explanation(
        "the domain controller found something invalid in the request to log in",
        "where auth_type=ntlm2 use auth_type=plain with transport=ldaps or starttls; else see whether the name, or the "
        "password, is longer than the directory allows or has characters that it does not take",
    ),
}
"""What a code means, and what to do; parts of sentences."""
