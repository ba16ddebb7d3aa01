#!/bin/sh
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rehearses on an emulator of its own, and fails where the rehearsal fails or anything was written.
#
#   rehearse.sh WORLD PLAYBOOK -i INVENTORY [more for ansible-playbook]
#
# It takes no account and no secret. What it leaves is in apsaradb-migration, the report among it.
set -eu
world=$1
shift
work=$(mktemp -d)
python3 -m apsara_emulator --speed 600 --world "$world" > "$work/ready.json" &
emulator=$!
trap 'kill "$emulator"; rm -rf "$work"' EXIT

tries=0
until [ -s "$work/ready.json" ]; do
    kill -0 "$emulator" # it says itself why it ended
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "The emulator does not start." >&2; exit 1; }
    sleep 0.2
done
told() {
    python3 - "$work/ready.json" "$@" <<'END'
import json, sys

value = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    value = value[int(name) if name.isdigit() else name]
print(value)
END
}
for service in rds dts ram sts oss; do
    name=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    export "APSARADB_${name}_ENDPOINT=$(told "$service")"
done
ALIBABA_CLOUD_ACCESS_KEY_ID=$(told accounts 0 access_key_id)
ALIBABA_CLOUD_ACCESS_KEY_SECRET=$(told accounts 0 access_key_secret)
export ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET
unset ALIBABA_CLOUD_SECURITY_TOKEN

ansible-playbook "$@" --check --diff

written=$(curl --noproxy '*' --fail --silent "$(told control)/calls?mutating=true")
[ "$written" = "[]" ] || { echo "The rehearsal wrote: $written" >&2; exit 1; }
