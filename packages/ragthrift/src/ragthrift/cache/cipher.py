"""Values as they lie in the file: as they are, or encrypted with the user's key."""

from hashlib import blake2b
from typing import Protocol

from ragthrift.errors import InputError, missing_extra


class UnreadableError(ValueError):
    """A stored value that cannot be read; it counts as not stored."""


class Cipher(Protocol):
    """Seals values, and digests what is only ever compared."""

    def seal(self, plain: bytes) -> bytes:
        """What is written."""
        ...

    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed; raises `UnreadableError`."""
        ...

    def digest(self, *parts: bytes) -> bytes:
        """16 bytes; nobody without the key can tell which parts they came from."""
        ...


class Plain:
    """No encryption."""

    def seal(self, plain: bytes) -> bytes:
        """Leave it as it is."""
        return plain

    def unseal(self, sealed: bytes) -> bytes:
        """Leave it as it is."""
        return sealed

    def digest(self, *parts: bytes) -> bytes:
        """BLAKE2b without a key."""
        return _digest(b"", parts)


class FernetCipher:
    """Fernet (AES-128-CBC with HMAC-SHA256) under a key of `Fernet.generate_key()`.

    Needs the `encryption` extra.
    """

    def __init__(self, key: str | bytes) -> None:
        try:
            from cryptography.fernet import Fernet, InvalidToken
        except ImportError as error:
            missing_extra("encryption", "cryptography", error)
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise InputError(
                "the key must be 32 bytes in URL-safe base64; make one with "
                "cryptography.fernet.Fernet.generate_key() and keep it"
            ) from error
        self._invalid = InvalidToken
        raw = key.encode() if isinstance(key, str) else key
        self._secret = blake2b(raw, digest_size=32, person=b"ragthrift-cache").digest()

    def seal(self, plain: bytes) -> bytes:
        """Encrypt and sign."""
        return self._fernet.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """Check the signature and decrypt."""
        try:
            return self._fernet.decrypt(sealed)
        except self._invalid as error:
            raise UnreadableError("a value was changed or sealed with another key") from error

    def digest(self, *parts: bytes) -> bytes:
        """BLAKE2b keyed with the user's key."""
        return _digest(self._secret, parts)


def _digest(secret: bytes, parts: tuple[bytes, ...]) -> bytes:
    state = blake2b(digest_size=16, key=secret)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def cipher_for(key: str | bytes | None) -> Cipher:
    """The cipher for a user's key; no key means no encryption."""
    return Plain() if key is None else FernetCipher(key)


LOCK = b"ragthrift cache"
"""What a store seals when it is made."""


def opens(cipher: Cipher, sealed: bytes) -> bool:
    """Whether a store's sealed `LOCK` was sealed by this cipher."""
    try:
        return cipher.unseal(sealed) == LOCK
    except UnreadableError:
        return False
