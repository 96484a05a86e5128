"""What binds a login to the TLS connection that it goes over: the type `tls-server-end-point` (RFC 5929 section 4)."""

import hashlib
from typing import Final

from gateway.hashes import md5
from gateway.ldap.ber import SEQUENCE, BerError, Cursor

_OID: Final = 0x06
_PARAMETER_HASH: Final = 0xA0  # of RSASSA-PSS, RFC 4055 section 3.1
_PSS: Final = bytes.fromhex("2a864886f70d01010a")

# The hash that the signature of a certificate is made with; SHA-256 in the place of MD5 and SHA-1.
_OF_SIGNATURE: Final = {
    bytes.fromhex("2a864886f70d010104"): "sha256",  # md5WithRSAEncryption
    bytes.fromhex("2a864886f70d010105"): "sha256",  # sha1WithRSAEncryption
    bytes.fromhex("2a864886f70d01010e"): "sha224",  # sha224WithRSAEncryption
    bytes.fromhex("2a864886f70d01010b"): "sha256",  # sha256WithRSAEncryption
    bytes.fromhex("2a864886f70d01010c"): "sha384",  # sha384WithRSAEncryption
    bytes.fromhex("2a864886f70d01010d"): "sha512",  # sha512WithRSAEncryption
    bytes.fromhex("2a8648ce3d0401"): "sha256",  # ecdsa-with-SHA1
    bytes.fromhex("2a8648ce3d040301"): "sha224",  # ecdsa-with-SHA224
    bytes.fromhex("2a8648ce3d040302"): "sha256",  # ecdsa-with-SHA256
    bytes.fromhex("2a8648ce3d040303"): "sha384",  # ecdsa-with-SHA384
    bytes.fromhex("2a8648ce3d040304"): "sha512",  # ecdsa-with-SHA512
}
_OF_PSS: Final = {
    bytes.fromhex("2b0e03021a"): "sha256",  # SHA-1
    bytes.fromhex("608648016503040204"): "sha224",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}


def tls_server_end_point(certificate_der: bytes) -> bytes:
    """Return the 16 octets for MsvAvChannelBindings, or none where the signature of the certificate has no known hash.

    A server takes a login without them more readily than one with other octets than its own. The certificate is one
    that TLS has read already; octets that are none give nothing.
    """
    try:
        name = _hash_name(Cursor(certificate_der), len(certificate_der))
    except BerError:
        name = ""
    if not name:
        return b""
    data = b"tls-server-end-point:" + hashlib.new(name, certificate_der).digest()
    return md5(bytes(16) + len(data).to_bytes(4, "little") + data).digest()  # no addresses: gss_channel_bindings_struct


def _hash_name(cursor: Cursor, size: int) -> str:
    end = cursor.enter(SEQUENCE, size)
    cursor.skip(end)  # tbsCertificate
    end = cursor.enter(SEQUENCE, end)
    algorithm = cursor.octets(_OID, end)
    if algorithm != _PSS:
        return _OF_SIGNATURE.get(algorithm, "")
    end = cursor.enter(SEQUENCE, end)
    if cursor.at == end or cursor.tag(end) != _PARAMETER_HASH:
        return "sha256"  # SHA-1 is what stands there by default
    end = cursor.enter(SEQUENCE, cursor.enter(_PARAMETER_HASH, end))
    return _OF_PSS.get(cursor.octets(_OID, end), "")
