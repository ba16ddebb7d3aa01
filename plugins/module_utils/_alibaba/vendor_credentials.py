# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Credentials that the vendor's library finds: profiles, OIDC roles, a credentials URI, the role of an ECS instance.

The library, alibabacloud-credentials, is imported only when one of them is asked for: it takes a quarter of a second.
Its single providers are used and not its default chain, which starts a thread for the ECS metadata service.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .credentials import AccessKey, CredentialSource, NoCredentials, require_sendable


class FromVendorLibrary(NamedTuple):
    """A provider of alibabacloud-credentials, which renews temporary credentials by itself."""

    provider: Any
    origin: str
    on_secret: Callable[[str], None]

    def current(self) -> AccessKey:
        found = self._ask()
        secret, token = found.get_access_key_secret() or "", found.get_security_token() or ""
        for value in filter(None, (secret, token)):
            self.on_secret(value)
        key = AccessKey(found.get_access_key_id() or "", secret, token, found.get_provider_name() or "")
        require_sendable(key, self.origin)
        return key

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


def from_profile_in_use(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource | None:
    wanted = environment.get("ALIBABA_CLOUD_PROFILE") or environment.get("ALICLOUD_PROFILE") or ""
    if wanted or os.path.isfile(_cli_file(environment)) or os.path.isfile(_ini_file(environment)):
        return from_profile(wanted, environment, on_secret)
    return None


def from_profile(name: str, environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
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


def from_surroundings(environment: Mapping[str, str], on_secret: Callable[[str], None]) -> CredentialSource:
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
