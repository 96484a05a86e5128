"""What the words of the log mean, and what to do about each: one table for log, terminal, page and documentation.

Each word behind `reason=` and `discard=`, and each trouble on the way to Duo, is the name of a section of
docs/troubleshooting.md, and so its anchor: `docs/troubleshooting.md#duo_denied`. The document begins each section with
the words of this table, which a test holds.
"""

from typing import NamedTuple

from gateway.radius.discards import DiscardReason
from gateway.unavailable import Trouble
from gateway.words.reasons import Reason

DOCUMENT = "docs/troubleshooting.md"


class Explanation(NamedTuple):
    """What happened, and what an administrator can do about it; sentences without their full stops.

    `remedy` is empty where there is nothing to do. Neither holds anything of a particular login.
    """

    happened: str
    remedy: str = ""


REASONS: dict[Reason, Explanation] = {
    Reason.DUO_ALLOWED: Explanation("Duo approved the factor"),
    Reason.DUO_BYPASS: Explanation(
        "Duo let the user in without a factor: the user or a group has bypass status, or a policy allows it",
        "if that is not intended, see the user's status and the application's policies in Duo",
    ),
    Reason.DUO_DENIED: Explanation(
        "Duo refused: a wrong passcode, a push denied, or a user who may not log in at all",
        "see the user's status, the application's user access and its policies in Duo; Duo says 'Incorrect passcode' "
        "also of a correct one where policy does not permit passcodes",
    ),
    Reason.DUO_TIMEOUT: Explanation(
        "Nobody answered the push or call in time, or Duo could not be asked what became of it",
        "ask whether the push arrived; if it arrives late, give the RADIUS client a longer time-out",
    ),
    Reason.DUO_LOCKED_OUT: Explanation(
        "Too many failures have locked the user out at Duo",
        "unlock the user in Duo, and see in its log what failed before: a client may repeat an old password",
    ),
    Reason.DUO_FRAUD: Explanation(
        "The user reported the push as fraud",
        "somebody else may know the user's first password: change it, and see where the login came from",
    ),
    Reason.DUO_REFUSED_CALL: Explanation(
        "Duo could not use the call: a factor that no device of the user can do, or a user name that it does not take",
        "see the user's devices in Duo; for a push Duo Mobile has to be activated; a user whose only device is a "
        "hardware token types its passcode; in radius_server_auto they type secret,PASSCODE, or factors=push,passcode "
        "lets the gateway ask for it",
    ),
    Reason.NOT_ENROLLED: Explanation(
        "Duo does not know the user, or no device of the user",
        "enrol the user; if that is done, compare the names: Duo is asked about the name as it was typed, and needs it "
        "as user name or alias; where a domain goes with it, set Username normalization of the Duo application to "
        "Simple",
    ),
    Reason.SMS_SENT: Explanation(
        "Duo sent new passcodes, as asked", "the user logs in again with one of them; this reject is as intended"
    ),
    Reason.EXEMPT: Explanation(
        "The user is exempt from Duo (exempt_username_N)", "remove the exempt_username_N if that is not intended"
    ),
    Reason.FAILMODE_SAFE: Explanation(
        "Duo was unavailable, and failmode=safe let the user in without a second factor",
        "the word in parentheses names the trouble; failmode=secure rejects instead",
    ),
    Reason.FAILMODE_SECURE: Explanation(
        "Duo was unavailable, and failmode=secure rejected the user",
        "the word in parentheses names the trouble; radgate check --connect asks Duo again, step by step",
    ),
    Reason.NO_PASSWORD: Explanation(
        "The password was empty",
        "in a section radius_server_duo_only, unrecognised_factor=auto makes it ask for Duo's automatic factor; in "
        "others the user types the password first",
    ),
    Reason.UNKNOWN_FACTOR: Explanation(
        "The password was neither a passcode nor a factor word",
        "mistyped? It takes push, phone, sms or 6 to 10 digits; users who type their directory password here need "
        "unrecognised_factor=auto",
    ),
    Reason.UNREADABLE_PASSWORD: Explanation(
        "The password was not text in the charset of pw_codec, so no factor could be read in it",
        "set pw_codec to the charset in which the RADIUS client writes passwords, such as latin-1, cp1252 or cp932",
    ),
    Reason.NO_SUCH_DEVICE: Explanation(
        "The user has no device of that number for this factor",
        "devices are counted in the order of the user's page in Duo, only those that can do the factor",
    ),
    Reason.TOO_MANY_PENDING: Explanation(
        "The user has too many logins pending",
        "somebody may be sending pushes to wear the user down; the bound is max_pending_per_user",
    ),
    Reason.OVERLOADED: Explanation(
        "There were too many calls to Duo at once",
        "Duo limits the rate of calls, or this host is too small; users can provoke it, so fail mode has no part in it",
    ),
    Reason.DEADLINE: Explanation(
        "Duo, or the first factor, had not decided when response_deadline_s was over",
        "raise response_deadline_s, but keep it below the time-out of the RADIUS client",
    ),
    Reason.PUSH_LOST: Explanation(
        "The worker, or its connection to Duo, was gone after Duo had been asked for a push and before Duo had named "
        "it; nobody can ask what became of it",
        "the log says why; the user was not pushed twice",
    ),
    Reason.NO_USER_NAME: Explanation(
        "The request had no User-Name", "see the settings of the RADIUS client: it sends requests without a user name"
    ),
    Reason.BAD_USER_NAME: Explanation(
        "The User-Name holds control characters or is not UTF-8",
        "let the RADIUS client send the name as the user typed it, in UTF-8; pw_codec is only for passwords, so where "
        "the client cannot, give the user an alias in ASCII in the directory and in Duo",
    ),
    Reason.UNSUPPORTED_CREDENTIALS: Explanation(
        "The request carried no PAP password",
        "set the authentication protocol of the RADIUS client to PAP: the typed factor must be readable",
    ),
    Reason.CONFLICTING_CREDENTIALS: Explanation(
        "The request carried credentials or names more than once",
        "the RFCs do not permit that: look for software of the RADIUS client that is out of date",
    ),
    Reason.MALFORMED_PASSWORD: Explanation(
        "The User-Password was not 16, 32 … 128 bytes long",
        "the RFCs do not permit that: look for software of the RADIUS client that is out of date",
    ),
    Reason.UNKNOWN_STATE: Explanation(
        "The request continued a challenge that was never sent",
        "a section radius_server_duo_only never challenges: look for another RADIUS server that the client asks in "
        "between",
    ),
    Reason.FIRST_FACTOR_REJECTED: Explanation(
        "The first factor has refused the user",
        "a wrong password, or a user whom it does not let in: ad_code in the line, or the first factor's own log, says "
        "which; where a factor is typed behind the password, perhaps the password contains the delimiter, or the "
        "factor is mistyped",
    ),
    Reason.FIRST_FACTOR_UNREACHABLE: Explanation(
        "The first factor could not be asked",
        "see whether its servers run, whether this machine reaches them, and whether RADIUS servers have the same "
        "secret; radgate check --connect tries each; failmode has no part in it",
    ),
    Reason.PASSWORD_EXPIRED: Explanation(
        "The user's password was right, but it has expired or must be changed",
        "the user changes it at a Windows computer, or on a page of yours: it cannot be done in a login by RADIUS; a "
        "service account that people use here needs a password that does not expire",
    ),
    Reason.ACCOUNT_DISABLED: Explanation(
        "The user's account is disabled in the directory, or has expired",
        "enable it, or give it a later end (accountExpires), if the user is to log in",
    ),
    Reason.ACCOUNT_LOCKED: Explanation(
        "The directory has locked the user's account after too many wrong passwords",
        "unlock it, and see which machine sent them: radgate why USER shows those that came through here, the domain "
        "controllers' security log shows all; a client or a telephone may repeat an old password",
    ),
    Reason.NOT_IN_GROUP: Explanation(
        "The user is in the directory, but not in the group of security_group_dn, or does not meet ldap_filter",
        "add the user to that very group: members of groups within it count only with nested_groups=true, and the "
        "primary group (Domain Users) never counts; no password was checked",
    ),
    Reason.USER_NOT_FOUND: Explanation(
        "The directory has no such user below search_dn",
        "compare the name with username_attribute (with at_attribute if there is an @ in it; a directory that is not "
        "Microsoft's needs username_attribute=uid, say), and search_dn with where the user is",
    ),
    Reason.USER_AMBIGUOUS: Explanation(
        "Several users of the directory below search_dn have this name",
        "name a smaller search_dn, or an attribute that differs from user to user: username_attribute, or at_attribute "
        "for names with an @; no password was checked",
    ),
    Reason.USER_DIFFERS: Explanation(
        "The home server has accepted another user than the one whom Duo would be asked about",
        "with PEAP, TTLS, FAST, TEAP and certificates the home server goes by a name of its own: let the user's "
        "machine send the same one outside (no anonymous identity); the line says whom it has accepted",
    ),
    Reason.REPLY_TOO_LONG: Explanation(
        "What the home server has said for the RADIUS client does not fit into one reply",
        "pass on fewer attributes: name those that the client needs in pass_through_attr_names",
    ),
    Reason.FACTOR_MISSING: Explanation(
        "The password had no factor behind it, where one has to follow",
        "the user types password, delimiter and factor, as in secret,push or secret,123456; a user who needs no "
        "factor, exempt or in bypass, types anything there; a section radius_server_auto also takes a password without "
        "a factor",
    ),
    Reason.NO_CAPABLE_DEVICE: Explanation(
        "No device of the user can do any of the factors that the section lists",
        "see the user's devices in Duo; with passcode at the end of factors= whoever has no such device is asked for "
        "one; without it, a user whose only device is a hardware token types secret,PASSCODE",
    ),
    Reason.CHALLENGED: Explanation(
        "The user was asked for more: to choose a factor, for a passcode, or to enrol",
        "the answer has a line of its own; where none ever follows, the RADIUS client does not show challenges",
    ),
    Reason.CHALLENGE_EXPIRED: Explanation(
        "The answer to a challenge came after challenge_life_s",
        "the user logs in anew; raise challenge_life_s if people need longer",
    ),
    Reason.CHALLENGE_UNKNOWN: Explanation(
        "The request answered a challenge that was not sent from here, or not to this user, or was answered before",
        "the line says which; look for a client that sends answers twice, for an skey that was changed while the user "
        "was asked, and for another RADIUS server that the client asks in between",
    ),
    Reason.UNKNOWN_OPTION: Explanation(
        "The answer to a challenge was none of those that it takes",
        "mistyped? It takes the number of an option, push, phone, sms or a passcode",
    ),
    Reason.NAS_CANNOT_ANSWER: Explanation(
        "The answer to a challenge was the password once more, as from a RADIUS client that cannot ask its users",
        "if the user has not typed it again, the client shows no challenges: name it in a section radius_server_auto "
        "without passcode in factors, or radius_server_concat",
    ),
    Reason.INTERNAL_ERROR: Explanation(
        "The gateway failed; the error is in the log", "report it, with the lines before this one in the log"
    ),
}

DISCARDS: dict[DiscardReason, Explanation] = {
    DiscardReason.UNKNOWN_CLIENT: Explanation(
        "no radius_ip_N of a section on this port covers this address",
        "add it with its radius_secret_N if it is a RADIUS client of yours",
    ),
    DiscardReason.MESSAGE_AUTHENTICATOR_WRONG: Explanation(
        "its Message-Authenticator is wrong: the shared secret at the client is not the radius_secret_N here",
        "make the two equal, and look for blanks at their ends",
    ),
    DiscardReason.WRONG_SECRET: Explanation(
        "its password is not readable: the shared secret at the client is most likely not the radius_secret_N here, or "
        "the client writes passwords in another charset",
        "make the two secrets equal, and look for blanks at their ends; if they are, set pw_codec",
    ),
    DiscardReason.ACCOUNTING_AUTHENTICATOR_WRONG: Explanation(
        "it is an Accounting-Request whose Request Authenticator is wrong: the shared secret for accounting at the "
        "client is not the radius_secret_N here",
        "make the two equal, and look for blanks at their ends",
    ),
    DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: Explanation(
        "it has no Message-Authenticator, which is required here; or has Proxy-State instead, and its address has "
        "signed before, as if somebody had stripped the signature on the way",
        "let the client sign its own requests and those that it forwards; require_message_authenticator=no admits "
        "unsigned ones; where they carry Proxy-State, limit_proxy_state=no is needed, too; both at the risk of "
        "CVE-2024-3596",
    ),
    DiscardReason.MESSAGE_AUTHENTICATOR_MALFORMED: Explanation(
        "it has two Message-Authenticators, or one that is not 16 bytes long",
        "look for software of the client that is out of date",
    ),
    DiscardReason.PROXY_STATE_UNAUTHENTICATED: Explanation(
        "it carries Proxy-State without Message-Authenticator, as Microsoft NPS and other proxies send it",
        "let it sign its requests (NPS: 'Request must contain the message authenticator attribute' in the remote "
        "RADIUS server group), or admit this with limit_proxy_state=no, at the risk of CVE-2024-3596",
    ),
    DiscardReason.EAP_UNAUTHENTICATED: Explanation(
        "it carries EAP without Message-Authenticator", "set the client to PAP"
    ),
    DiscardReason.UNEXPECTED_CODE: Explanation(
        "it is neither Access-Request nor Status-Server: accounting, most likely",
        "send accounting elsewhere, or switch it off at the client; where neither can be done (OpenVPN's radiusplugin, "
        "which throws users out again without an answer) set accounting=acknowledge",
    ),
    DiscardReason.PACKET_TOO_SHORT: Explanation(
        "it is no RADIUS packet: fewer than 20 bytes", "look for what sends other things than RADIUS to this port"
    ),
    DiscardReason.LENGTH_FIELD: Explanation(
        "it is no RADIUS packet: its Length field is outside 20 to 4096",
        "look for what sends other things than RADIUS to this port",
    ),
    DiscardReason.PACKET_TRUNCATED: Explanation(
        "it is shorter than its Length field says",
        "look for fragments lost on the way, and for tunnels with a small MTU",
    ),
    DiscardReason.ATTRIBUTE_TRUNCATED: Explanation(
        "its last attribute is cut off", "look for software of the client that is out of date, or for stray senders"
    ),
    DiscardReason.ATTRIBUTE_LENGTH: Explanation(
        "the length of one of its attributes cannot be right",
        "look for software of the client that is out of date, or for stray senders",
    ),
    DiscardReason.TOO_MANY_ATTRIBUTES: Explanation(
        "it has more than 200 attributes of types that it has already", "look for stray senders"
    ),
    DiscardReason.PROXY_STATE_TOO_LONG: Explanation(
        "its Proxy-State attributes would not fit into a reply", "look for RADIUS proxies that send it in a circle"
    ),
    DiscardReason.STATUS_REFUSED: Explanation(
        "it asks with Status-Server, where status_server=no, or more than 50 times a second",
        "let load balancers ask less often, or set status_server=yes",
    ),
    DiscardReason.OVERLOAD: Explanation(
        "as many logins are in progress as max_pending permits, or the places that are left are kept for others",
        "see who holds the places; raise max_pending if memory and descriptors permit, or add a host",
    ),
    DiscardReason.ISOLATED: Explanation(
        "this host cannot reach Duo while another host of the fleet can, and is silent (when_isolated=silent)",
        "mend this host's way to Duo; until then its RADIUS clients ask the next server of their list",
    ),
}

SET_THE_CLOCK = "let NTP (chrony, systemd-timesyncd) set this machine's clock"

LOGINS_FAIL = (
    "see whose logins these are, and from where: somebody may be trying names that Duo, or a firewall on the way, "
    "answers with errors; if they are your users, see status.duo.com, and what on the way loses connections"
)

TROUBLES: dict[Trouble, Explanation] = {
    Trouble.DNS: Explanation(
        "The name api_host could not be resolved", "see the spelling of api_host, and this machine's name servers"
    ),
    Trouble.CONNECT: Explanation(
        "No TCP connection to Duo could be opened",
        "see routes and firewalls: this machine must reach api_host, port 443",
    ),
    Trouble.TLS: Explanation(
        "The TLS handshake failed before there was a certificate to verify",
        "see proxies and firewalls on the way: what answers may not speak TLS, or only an old version of it",
    ),
    Trouble.CERTIFICATE: Explanation(
        "What answered has shown a certificate that does not prove that it is Duo",
        "if the certificate is not yet valid or has expired, see this machine's clock first; else somebody may be "
        "between this machine and Duo: only if that is a proxy of your own, name its root in http_ca_certs_file; if "
        "nobody is there, update the roots (certifi)",
    ),
    Trouble.PROXY: Explanation(
        "The HTTP proxy did not open a tunnel to Duo",
        "see whether the proxy of http_proxy_host and http_proxy_port runs, and its log; one that asks for a user name "
        "and password (407) must let api_host pass without them",
    ),
    Trouble.TIMEOUT: Explanation(
        "Duo did not answer in time",
        "see status.duo.com, the proxy of http_proxy_host if there is one, and firewalls that drop packets without a "
        "word",
    ),
    Trouble.CLOSED: Explanation(
        "The connection was lost before the answer came", "see status.duo.com, and proxies and firewalls on the way"
    ),
    Trouble.HTTP_STATUS: Explanation("Duo answered with an error of its own (HTTP 5xx)", "see status.duo.com"),
    Trouble.BAD_ANSWER: Explanation(
        "What answered is not Duo", "look for a captive portal, or a proxy on the way that answers in Duo's place"
    ),
    Trouble.RATE_LIMIT: Explanation(
        "Duo limits the rate of calls (HTTP 429)", "look for clients that repeat logins; fail mode has no part in it"
    ),
    Trouble.CONFIGURATION: Explanation(
        "Duo refuses the application: its keys, or its type",
        "compare ikey, skey and api_host with the application's page in Duo; it must be active, and its type RADIUS or "
        "Auth API",
    ),
    Trouble.CLOCK: Explanation(
        "Duo refused the date of the call, although it was Duo's own time",
        f"{SET_THE_CLOCK}, and see that no proxy changes the Date header",
    ),
    Trouble.BUSY: Explanation(
        "The gateway had too many calls under way, or no descriptor left",
        "see the limit of open files (LimitNOFILE) and max_pending; fail mode has no part in it",
    ),
    Trouble.OUTAGE: Explanation(
        "The gateway knows already that Duo is away, so no login waits for a time-out",
        "see the line 'Fail mode begins' in the log, which has the cause",
    ),
}
