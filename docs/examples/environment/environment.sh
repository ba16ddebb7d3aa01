#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Read it into the shell that runs the playbooks:  . ./environment.sh
# An option of a task or a variable of a role comes before each of these.

# Keys: put what prints yours in place of cat, such as "pass show alibaba/id" or "vault kv get -field=id secret/alibaba".
: "${SECRETS:=$HOME/.secrets}"
ALIBABA_CLOUD_ACCESS_KEY_ID=$(cat "$SECRETS/access_key_id")
ALIBABA_CLOUD_ACCESS_KEY_SECRET=$(cat "$SECRETS/access_key_secret")
export ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET
# Temporary ones have a token as well. One that is left from another session does not fit a key.
unset ALIBABA_CLOUD_SECURITY_TOKEN
export ALIBABA_CLOUD_REGION=cn-hangzhou

# Lines in a log instead of bars, one a minute.
export ANSIBLE_CALLBACKS_ENABLED=apsaradb.migration.progress
export APSARADB_PROGRESS_MODE=lines APSARADB_PROGRESS_INTERVAL=60

# For private networks, where they are needed:
#   export APSARADB_RDS_ENDPOINT=rds-vpc.cn-hangzhou.aliyuncs.com
#   export APSARADB_OSS_ENDPOINT=oss-cn-hangzhou-internal.aliyuncs.com
#   export APSARADB_CA_PATH=/etc/ssl/company.pem
#   export APSARADB_PROXY=http://proxy.company.example:3128
