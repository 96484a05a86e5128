"""PEM octets -> TLS contexts, or what is wrong with them and in which line.

Whoever reads a configuration and whoever serves by it build their contexts here: what one refuses, the other does.
"""

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SYSTEM = "system"  # in the place of a file's path: what this machine trusts

_BOM = b"\xef\xbb\xbf"
_MARK = re.compile(rb"-----(BEGIN|END) (?:X509 |TRUSTED )?CERTIFICATE-----")
_OTHER_FORMS = (
    (re.compile(rb"\xff\xfe|\xfe\xff|\0?-\0-"), "it is UTF-16; save it as plain text"),
    (re.compile(rb"-----BEGIN PKCS7-----"), "it is PKCS #7; run openssl pkcs7 -print_certs on it"),
    (re.compile(rb"\x30[\x80-\x84]"), "it looks like DER; run openssl x509 -inform der on it"),
)


class BadCertificates(ValueError):  # noqa: N818 -- reads as what it says
    """These octets cannot be used as certificates; the text says why, and in which line if that is known."""


class _Block(NamedTuple):
    """A certificate from mark to mark, and the line where it begins."""

    pem: str
    line: int


def trusting_context(pem: bytes) -> ssl.SSLContext:
    """Return a client's context that trusts the certificates of a bundle, issuers without their own root too.

    Raises:
        BadCertificates: one of them cannot be used, or there is none.
    """
    context = _client_context()
    for block in _blocks(pem):
        try:
            context.load_verify_locations(cadata=block.pem)
        except ssl.SSLError as error:
            raise BadCertificates(f"the certificate in line {block.line} is damaged; copy it again") from error
    return context


def system_context() -> ssl.SSLContext:
    """Return a client's context that trusts what this machine trusts.

    Raises:
        BadCertificates: that is nobody.
    """
    context = _client_context()
    context.load_default_certs()
    paths = ssl.get_default_verify_paths()
    if not context.get_ca_certs() and not (paths.capath and any(Path(paths.capath).iterdir())):
        file = os.environ.get(paths.openssl_cafile_env, paths.openssl_cafile)
        folder = os.environ.get(paths.openssl_capath_env, paths.openssl_capath)
        text = f"this machine trusts nobody: neither {file} nor {folder} holds a root"
        raise BadCertificates(f"{text}; install the package ca-certificates")
    return context


def certificates_of(pem: bytes) -> bytes:
    """Return the certificates of a bundle as PEM, without what stands between them.

    Raises:
        BadCertificates: one of them cannot be used, or there is none.
    """
    trusting_context(pem)
    return "".join(block.pem for block in _blocks(pem)).encode()


def check_ciphers(cipher_list: str) -> None:
    """Make sure that OpenSSL knows a list of ciphers, and one of them shows who is there.

    Raises:
        BadCertificates: it does not.
    """
    limit_ciphers(_client_context(), cipher_list)


def limit_ciphers(context: ssl.SSLContext, cipher_list: str) -> None:
    """Let a context take these ciphers, but none without a certificate or without encryption: with `@SECLEVEL=0` lists
    as usual as `HIGH` have some, and nothing is verified then.

    Raises:
        BadCertificates: OpenSSL knows none of the others.
    """
    try:
        context.set_ciphers(f"{cipher_list}:!aNULL:!eNULL")
    except ssl.SSLError as error:
        raise BadCertificates("OpenSSL knows no cipher of this list that shows a certificate") from error


def serving_context(pem: bytes) -> ssl.SSLContext:
    """Return a server's context with a chain, the server's own certificate first, and its private key.

    Raises:
        BadCertificates: one of them cannot be used, or they do not belong together.
    """
    trusting_context(pem)  # which names the line of what is damaged
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor = os.memfd_create("radgate-certificate", os.MFD_CLOEXEC)  # the library reads files alone
    try:
        os.pwrite(descriptor, pem, 0)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")  # never ask a terminal for one
    except ssl.SSLError as error:
        raise BadCertificates(f"OpenSSL refuses certificate or key: {openssl_reason(error)}") from error
    finally:
        os.close(descriptor)
    return context


def openssl_reason(error: ssl.SSLError) -> str:
    """Return OpenSSL's reason in lower case, `wrong version number`, or the error's own text."""
    return error.reason.replace("_", " ").lower() if error.reason else error.strerror or str(error)


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _blocks(pem: bytes) -> Iterator[_Block]:
    """Yield every certificate; each mark has a line to itself, for OpenSSL passes over what has not."""
    lines = pem.removeprefix(_BOM).splitlines()
    begin = n_found = 0
    for number, line in enumerate(lines, 1):
        if not (mark := _MARK.search(line)):
            continue
        is_end = mark[1] == b"END"
        _check_mark(line, mark[0], number)
        _check_order(begin, number, is_end=is_end)
        if is_end:
            n_found += 1
            yield _Block(b"\n".join([*lines[begin - 1 : number], b""]).decode("ascii", "replace"), begin)
        begin = 0 if is_end else number
    if begin:
        raise BadCertificates(f"the certificate in line {begin} has no -----END CERTIFICATE-----; is the file cut off?")
    if not n_found:
        form = next((f"; {text}" for pattern, text in _OTHER_FORMS if pattern.match(pem)), "")
        raise BadCertificates(f"it holds no certificate{form}")


def _check_mark(line: bytes, mark: bytes, number: int) -> None:
    """Make sure that nothing else stands beside a mark."""
    if line.rstrip() == mark:
        return
    if b"\\n" in line:
        raise BadCertificates(f"line {number} has \\n where a line should end; write real line ends")
    if len(_MARK.findall(line)) > 1:
        raise BadCertificates(f"line {number} has two marks; end the line after -----END CERTIFICATE-----")
    if line.strip() == mark:
        raise BadCertificates(f"line {number} is indented; remove the blanks before {mark.decode()}")
    raise BadCertificates(f"line {number} holds more than {mark.decode()}; write that on a line of its own")


def _check_order(begin: int, number: int, *, is_end: bool) -> None:
    """Make sure that certificates begin and end by turns."""
    if is_end and not begin:
        raise BadCertificates(f"line {number} ends a certificate that has not begun; is the file cut off?")
    if begin and not is_end:
        raise BadCertificates(f"the certificate in line {begin} does not end before line {number}; copy it again")
