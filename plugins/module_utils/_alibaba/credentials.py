# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Who calls: an access key, temporary credentials, or a bearer token, and where they were found.

Order: the task's options; access keys in the environment; an access key id alone in the environment, as bearer token;
a profile of the vendor's command line or credentials file; DASHSCOPE_API_KEY as bearer token; OIDC role,
credentials URI, ECS role. The vendor's library is imported only for profiles and what follows them: it takes a quarter
of a second and starts a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from .._failure import BadRequest, MigrationFailure

# What access key ids begin with.
_KEY_IDS = ("LTAI", "STS.")
# (key id, secret, token) in the order of preference: the vendor's names, then those of Terraform and older collections,
# then those of the OSS tools. Several names stand for one value; the first that is set counts.
_ENVIRONMENT_KEYS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (("ALIBABA_CLOUD_ACCESS_KEY_ID",), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET",), ("ALIBABA_CLOUD_SECURITY_TOKEN",)),
    (
        ("ALICLOUD_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_ID"),
        ("ALICLOUD_SECRET_KEY", "ALICLOUD_SECRET_ACCESS_KEY", "ALICLOUD_ACCESS_KEY_SECRET"),
        ("ALICLOUD_SECURITY_TOKEN",),
    ),
    (("OSS_ACCESS_KEY_ID",), ("OSS_ACCESS_KEY_SECRET",), ("OSS_SESSION_TOKEN",)),
)


class NoCredentials(MigrationFailure):
    """No way to prove who calls was found, or the one that was found failed."""


class AccessKey(NamedTuple):
    """named_provider: what the vendor's library calls the source, where it was asked."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""
    named_provider: str = ""

    @property
    def provider(self) -> str:
        """The name that is sent along, as the vendor's SDKs do."""
        return self.named_provider or ("static_sts" if self.security_token else "static_ak")

    def __repr__(self) -> str:
        return f"AccessKey({self.access_key_id!r})"


class BearerToken(NamedTuple):
    token: str

    def __repr__(self) -> str:
        return "BearerToken()"


class CredentialSource(Protocol):
    """Gives the credentials of the moment. `origin` says, for messages, where they come from."""

    @property
    def origin(self) -> str:
        """Where they were found."""

    def current(self) -> AccessKey | BearerToken:
        """Asked for at each request, because temporary ones change."""


class Fixed(NamedTuple):
    """Credentials that do not change."""

    credentials: AccessKey | BearerToken
    origin: str

    def current(self) -> AccessKey | BearerToken:
        return self.credentials


def secrets_of(credentials: AccessKey | BearerToken) -> list[str]:
    """What must never be shown."""
    if isinstance(credentials, BearerToken):
        return [credentials.token]
    return [value for value in (credentials.access_key_secret, credentials.security_token) if value]


def find_credentials(
    options: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    on_secret: Callable[[str], None] = lambda secret: None,
) -> CredentialSource:
    """The first source in the order above. Raises BadRequest for half a pair, NoCredentials when nothing is there.

    on_secret is called with every secret that was not typed into the task, so that it can be masked.
    """
    environment = os.environ if environment is None else environment
    source = (
        _from_options(options, environment, on_secret)
        or _from_environment(environment)
        or _from_elsewhere(environment, on_secret)
    )
    if isinstance(source, Fixed):
        require_sendable(source.credentials, source.origin)
        for secret in secrets_of(source.credentials):
            on_secret(secret)
    return source


def require_sendable(credentials: AccessKey | BearerToken, origin: str) -> None:
    """Raises BadRequest for ids and tokens that cannot stand in a header: a line break from a file, other alphabets.

    The HTTP library would refuse them as well, and quote them.
    """
    sent = [credentials.token] if isinstance(credentials, BearerToken) else [credentials[0], credentials[2]]
    if not all(value.isascii() and value.isprintable() and " " not in value for value in sent):
        raise BadRequest(
            f"The key id or token of {origin} holds blanks, line breaks or other characters that none has.",
            code="credentials_malformed",
            remedy="Give it without them; a value that was read from a file often ends with a line break.",
        )


def _from_options(
    options: Mapping[str, Any], environment: Mapping[str, str], on_secret: Callable[[str], None]
) -> CredentialSource | None:
    key_id, secret = options.get("access_key_id") or "", options.get("access_key_secret") or ""
    token, bearer = options.get("security_token") or "", options.get("bearer_token") or ""
    profile = options.get("profile") or ""
    if bool(key_id) != bool(secret):
        missing = "access_key_secret" if key_id else "access_key_id"
        raise _half(f"the options lack {missing}", f"Give {missing} as well, or neither of the two.")
    if token and not key_id:
        raise _half("security_token stands without its key", "Give access_key_id and access_key_secret with it.")
    ways = [
        name for name, value in (("access_key_id", key_id), ("bearer_token", bearer), ("profile", profile)) if value
    ]
    if len(ways) > 1:
        raise BadRequest(
            f"The options {' and '.join(ways)} exclude each other.",
            code="credentials_ambiguous",
            remedy="Give one way to authenticate.",
        )
    if key_id:
        return Fixed(AccessKey(key_id, secret, token), "the options access_key_id and access_key_secret")
    if bearer:
        return Fixed(BearerToken(bearer), "the option bearer_token")
    if not profile:
        return None
    from . import vendor_credentials

    return vendor_credentials.from_profile(profile, environment, on_secret)


def _from_environment(environment: Mapping[str, str]) -> CredentialSource | None:
    for id_names, secret_names, token_names in _ENVIRONMENT_KEYS:
        key_id, secret = _first(environment, id_names), _first(environment, secret_names)
        if key_id and secret:
            key = AccessKey(key_id, secret, _first(environment, token_names))
            return Fixed(key, f"the environment variables {id_names[0]} and {secret_names[0]}")
    for id_names, secret_names, _token_names in _ENVIRONMENT_KEYS:
        key_id, secret = _first(environment, id_names), _first(environment, secret_names)
        if secret:
            raise _half(f"the environment has {secret_names[0]} without {id_names[0]}", f"Set {id_names[0]} as well.")
        if key_id and key_id.startswith(_KEY_IDS):
            raise _half(f"the environment has {id_names[0]} without its secret", f"Set {secret_names[0]} as well.")
    return _token_from(environment, "ALIBABA_CLOUD_ACCESS_KEY_ID")


def _token_from(environment: Mapping[str, str], name: str) -> CredentialSource | None:
    token = environment.get(name, "")
    return Fixed(BearerToken(token), f"the environment variable {name}, as bearer token") if token else None


def _from_elsewhere(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
    from . import vendor_credentials

    return (
        vendor_credentials.from_profile_in_use(environment, on_secret)
        or _token_from(environment, "DASHSCOPE_API_KEY")
        or vendor_credentials.from_surroundings(environment, on_secret)
    )


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


def _half(what: str, remedy: str) -> BadRequest:
    return BadRequest(f"Half a credential: {what}.", code="credentials_incomplete", remedy=remedy)
