# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Who calls: an access key, temporary credentials, or a bearer token, and where they were found.

Order: the task's options; access keys in the environment; an access key id alone in the environment, as bearer token
(seed 002); a profile of the vendor's command line or credentials file; DASHSCOPE_API_KEY as bearer token (seed 002);
OIDC role, credentials URI, ECS role. The vendor's library is imported only for profiles and what follows them: it takes
a quarter of a second and starts a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._failure import BadRequest, MigrationFailure

_LOOKS_LIKE_A_KEY_ID = re.compile(r"(LTAI|STS\.)")
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


@dataclass(frozen=True)
class AccessKey:
    """provider: the name that is sent along, as the vendor's SDKs do."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    provider: str = ""

    def __post_init__(self) -> None:
        if not self.provider:
            object.__setattr__(self, "provider", "static_sts" if self.security_token else "static_ak")


@dataclass(frozen=True)
class BearerToken:
    token: str = field(repr=False)


Credentials = AccessKey | BearerToken


class CredentialSource(Protocol):
    """Gives the credentials of the moment. `origin` says, for messages, where they come from."""

    @property
    def origin(self) -> str: ...

    def current(self) -> Credentials: ...


@dataclass(frozen=True)
class Fixed:
    """Credentials that do not change."""

    credentials: Credentials
    origin: str

    def current(self) -> Credentials:
        return self.credentials


@dataclass(frozen=True)
class FromVendorLibrary:
    """A provider of alibabacloud-credentials, which renews temporary credentials by itself."""

    provider: Any
    origin: str
    on_secret: Callable[[str], None] = field(repr=False, default=lambda secret: None)

    def current(self) -> Credentials:
        found = self._ask()
        secret, token = found.get_access_key_secret() or "", found.get_security_token() or ""
        for value in filter(None, (secret, token)):
            self.on_secret(value)
        return AccessKey(found.get_access_key_id(), secret, token, provider=found.get_provider_name() or "")

    def _ask(self) -> Any:
        try:
            return self.provider.get_credentials()
        except Exception as error:  # the library raises whatever its parsers, files and HTTP client raise
            # Its texts quote answers of token services, so only the kind of the trouble is told.
            raise NoCredentials(
                f"Credentials from {self.origin} could not be obtained: {type(error).__name__}.",
                code="no_credentials",
                remedy=f"Check {self.origin}, or give access_key_id and access_key_secret.",
            ) from None


def secrets_of(credentials: Credentials) -> list[str]:
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
        or _from_default_profile(environment, on_secret)
        or _token_from(environment, "DASHSCOPE_API_KEY")
        or _from_surroundings(environment, on_secret)
    )
    if isinstance(source, Fixed):
        for secret in secrets_of(source.credentials):
            on_secret(secret)
    return source


def profile_region(options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> str:
    """The region of the profile that the options name, which the vendor's library ignores; empty without one."""
    environment = os.environ if environment is None else environment
    name = options.get("profile") or ""
    if not name:
        return ""
    import json

    try:
        with open(_cli_file(environment), encoding="utf-8") as file:
            profiles = json.load(file).get("profiles") or []
        return next((str(p.get("region_id") or "") for p in profiles if p.get("name") == name), "")
    except (OSError, ValueError, AttributeError, TypeError):
        # A file that cannot be understood is reported where the credentials are taken from it.
        return ""


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
    return _profile(profile, environment, on_secret) if profile else None


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
        if key_id and _LOOKS_LIKE_A_KEY_ID.match(key_id):
            raise _half(f"the environment has {id_names[0]} without its secret", f"Set {secret_names[0]} as well.")
    return _token_from(environment, "ALIBABA_CLOUD_ACCESS_KEY_ID")


def _token_from(environment: Mapping[str, str], name: str) -> CredentialSource | None:
    token = environment.get(name, "")
    return Fixed(BearerToken(token), f"the environment variable {name}, as bearer token") if token else None


def _from_default_profile(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource | None:
    wanted = environment.get("ALIBABA_CLOUD_PROFILE") or environment.get("ALICLOUD_PROFILE") or ""
    if wanted or os.path.isfile(_cli_file(environment)) or os.path.isfile(_ini_file(environment)):
        return _profile(wanted, environment, on_secret)
    return None


def _profile(name: str, environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
    """A profile of the command line's file, else a section of the credentials file."""
    cli_file, ini_file = _cli_file(environment), _ini_file(environment)
    cli_allowed = environment.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() != "true"
    if cli_allowed and os.path.isfile(cli_file):
        library = _vendor_library("cli_profile")
        provider = library.CLIProfileCredentialsProvider(profile_name=name or None, profile_file=cli_file)
        where = cli_file
    elif os.path.isfile(ini_file):
        library = _vendor_library("profile")
        provider = library.ProfileCredentialsProvider(profile_name=name or None, profile_file=ini_file)
        where = ini_file
    else:
        raise NoCredentials(
            f"The profile {name or 'default'} cannot be read: there is neither {cli_file} nor {ini_file}.",
            code="no_credentials",
            remedy="Create one of the files, or set ALIBABA_CLOUD_CREDENTIALS_FILE, or leave profile out.",
        )
    return FromVendorLibrary(provider, f"the profile {name or 'in use'} of {where}", on_secret)


def _from_surroundings(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
    """What a machine offers: a role by OIDC token, a credentials URI, the role of an ECS instance."""
    oidc = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
    if all(environment.get(name) for name in oidc):
        provider = _vendor_library("oidc").OIDCRoleArnCredentialsProvider()
        return FromVendorLibrary(provider, f"the OIDC role of {oidc[0]}", on_secret)
    if environment.get("ALIBABA_CLOUD_CREDENTIALS_URI"):
        provider = _vendor_library("uri").URLCredentialsProvider()
        return FromVendorLibrary(provider, "ALIBABA_CLOUD_CREDENTIALS_URI", on_secret)
    if environment.get("ALIBABA_CLOUD_ECS_METADATA"):
        # Asynchronous renewal would start a thread in a process that lives for one task.
        library = _vendor_library("ecs_ram_role")
        provider = library.EcsRamRoleCredentialsProvider(async_update_enabled=False)
        return FromVendorLibrary(provider, "the ECS role of ALIBABA_CLOUD_ECS_METADATA", on_secret)
    return _ecs_role_of_this_machine(environment, on_secret)


def _ecs_role_of_this_machine(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
    """The last resort, tried once: away from ECS the metadata service does not answer."""
    if environment.get("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() != "true":
        try:
            library = _vendor_library("ecs_ram_role")
            provider = library.EcsRamRoleCredentialsProvider(async_update_enabled=False)
            source = FromVendorLibrary(provider, "the ECS role of this machine", on_secret)
            source.current()
            return source
        except NoCredentials:
            # Away from ECS this is the normal case; the message below says everything that was looked for.
            pass
    raise NoCredentials(
        "No credentials were found: not in the options, the environment, a profile, an OIDC role, a credentials URI "
        "or the role of an ECS instance.",
        code="no_credentials",
        remedy="Give access_key_id and access_key_secret, or set ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give profile.",
    )


def _vendor_library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"alibabacloud_credentials.provider.{name}")
    except ImportError:
        raise NoCredentials(
            "Profiles, OIDC roles, credentials URIs and ECS roles need the Python package alibabacloud-credentials.",
            code="library_missing",
            remedy="Install alibabacloud-credentials for the Python that runs the module, or give access_key_id and "
            "access_key_secret.",
        ) from None


def _cli_file(environment: Mapping[str, str]) -> str:
    return os.path.join(_home(environment), ".aliyun", "config.json")


def _ini_file(environment: Mapping[str, str]) -> str:
    named = environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    return named or os.path.join(_home(environment), ".alibabacloud", "credentials.ini")


def _home(environment: Mapping[str, str]) -> str:
    return environment.get("HOME") or os.path.expanduser("~")


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


def _half(what: str, remedy: str) -> BadRequest:
    return BadRequest(f"Half a credential: {what}.", code="credentials_incomplete", remedy=remedy)
