# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module proves who calls, and where it calls."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key_id:
    description:
      - Id of the access key. Needs O(access_key_secret).
      - Without it, and without O(bearer_token) and O(profile), credentials are looked for in this order. (1) The
        environment pairs E(ALIBABA_CLOUD_ACCESS_KEY_ID) and E(ALIBABA_CLOUD_ACCESS_KEY_SECRET) (with
        E(ALIBABA_CLOUD_SECURITY_TOKEN)), then E(ALICLOUD_ACCESS_KEY) and E(ALICLOUD_SECRET_KEY) (with
        E(ALICLOUD_SECURITY_TOKEN)), then E(OSS_ACCESS_KEY_ID) and E(OSS_ACCESS_KEY_SECRET). (2)
        E(ALIBABA_CLOUD_ACCESS_KEY_ID) alone, as bearer token. (3) The profile in use of C(~/.aliyun/config.json),
        else C(~/.alibabacloud/credentials.ini). (4) E(DASHSCOPE_API_KEY), as bearer token. (5) An OIDC role, a
        credentials URI, the role of the ECS instance.
    type: str
  access_key_secret:
    description:
      - Secret of the access key, needed with O(access_key_id). Requests are signed with it and it is never sent.
      - A value of less than 8 characters, or one that occurs in an id or name, is refused, because masking it would
        blank the results.
    type: str
  security_token:
    description: Token of temporary credentials (STS), with O(access_key_id) and O(access_key_secret). Without it the
      key is a long-term one.
    type: str
  bearer_token:
    description:
      - Bearer token instead of an access key. It is sent as C(Authorization) and in the form of the vendor's SDKs.
      - Which products accept bearer tokens is not documented; an access key is the safe choice. Without it, a key is
        used, given or found as O(access_key_id) says.
    type: str
  profile:
    description:
      - Name of a profile of C(~/.aliyun/config.json), or of a section of C(~/.alibabacloud/credentials.ini) where
        the first file is missing. Profiles may assume roles.
      - Needs the Python package C(alibabacloud-credentials). It excludes O(access_key_id) and O(bearer_token).
        Without it, credentials are given or found as O(access_key_id) says.
    type: str
  region:
    description:
      - Region of the instances, which decides the endpoint, for example V(cn-hangzhou).
      - Without it, E(ALIBABA_CLOUD_REGION), E(ALIBABA_CLOUD_REGION_ID) or E(ALICLOUD_REGION) is used, then the
        region of O(profile), else the central endpoint C(rds.aliyuncs.com).
    type: str
  rds_endpoint:
    description:
      - Host name or URL of the RDS endpoint, for private networks and for tests.
      - Plain HTTP is refused except to this machine.
      - Without it, E(APSARADB_RDS_ENDPOINT) is used, else the endpoint follows from O(region).
    type: str
  ram_endpoint:
    description: Host name or URL of the RAM endpoint, where a module looks for a role. Without it,
      E(APSARADB_RAM_ENDPOINT) is used, else C(ram.aliyuncs.com).
    type: str
  oss_endpoint:
    description:
      - Host name or URL of the OSS endpoint, without the bucket's name, for internal networks and for tests. Plain
        HTTP is refused except to this machine.
      - Without it, E(APSARADB_OSS_ENDPOINT) is used, else C(oss-REGION.aliyuncs.com) of O(region).
    type: str
  sts_endpoint:
    description: Host name or URL of the STS endpoint, where a module asks which account it works for. Without it,
      E(APSARADB_STS_ENDPOINT) is used, else C(sts.aliyuncs.com).
    type: str
  dts_endpoint:
    description: Host name or URL of the DTS endpoint. Without it, E(APSARADB_DTS_ENDPOINT) is used, else
      C(dts.aliyuncs.com), or C(dts.REGION.aliyuncs.com) where the vendor's SDK has it for O(region).
    type: str
  ca_path:
    description: File or folder with the certificate authorities to trust instead of the built-in ones. Without it,
      E(APSARADB_CA_PATH) is used, then E(REQUESTS_CA_BUNDLE).
    type: path
  proxy:
    description: URL of a proxy for HTTPS. Without it, E(APSARADB_PROXY) is used, then E(HTTPS_PROXY) unless
      E(NO_PROXY) excludes the endpoint. Endpoints on this machine are never reached through a proxy.
    type: str
requirements:
  - requests >= 2.28
  - alibabacloud-credentials >= 1.0.4 (only for profiles, OIDC roles, credentials URIs and ECS roles)
"""
