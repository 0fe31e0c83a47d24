# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Sourced by the stand-ins for Proxmox's tools: which guests there are, and what a start of one would take.
#
# Nothing is started and nothing is bound. What would be is written to $log, one line each:
#   start GUEST WHO           the guest is started, by: startall, lrm, qm, vzdump
#   take GUEST WHO KEY ADDRESS VENDOR:DEVICE PATH SERIAL GROUP MEMBER,...
#   link GUEST WHO KEY NAME MAC
#   drop GUEST WHO KEY VALUE  a value that Proxmox does not understand: the guest starts without it
#   refuse GUEST WHO WHY      the start fails
# PATH is the address without bus numbers: with SERIAL it tells which card it is, wherever it sits.
log=/run/rig/guests.log
pve=/etc/pve
node=$(uname -n) node=${node%%.*}
mkdir -p /run/rig/running

record() { echo "$(cut -d' ' -f1 /proc/uptime) $*" >> $log; }

# As PVE::Cluster does: the mode of this link is all that says so.
mounted() { [ -L $pve/local ]; }
quorate() { mode=$(stat -c %a $pve/local) && [ $((0$mode & 0200)) -ne 0 ]; }
wait_for_quorum() {
	until quorate; do
		mounted || { echo "ipcc_send_rec failed: Connection refused" >&2; return 1; }
		sleep 1
	done
}

guest_file() { # guest_file VMID
	for file in $pve/nodes/"$node"/qemu-server/"$1".conf $pve/nodes/"$node"/lxc/"$1".conf; do
		[ ! -f "$file" ] || { echo "$file"; return 0; }
	done
	return 1
}

# settings FILE [pending] - "key: value" of the current section, the last of a key; with what waits for the next start applied
settings() {
	awk -v pending="${2:-}" '
		function set(key, value) { if (!(key in values)) order[++n] = key; values[key] = value }
		/^\[/ { at = tolower($0) == "[pending]" || tolower($0) == "[pve:pending]" ? "pending" : "other"; next }
		!match($0, /^(lxc\.[a-z0-9_.]+[ \t]*[:=]|[a-z][a-z_-]*[0-9]*:)[ \t]*/) { next }
		{
			value = substr($0, RLENGTH + 1); sub(/[ \t]+$/, "", value)
			key = substr($0, 1, RLENGTH); sub(/[ \t]*[:=][ \t]*$/, "", key)
		}
		value == "" || at == "other" { next }
		at == "" { set(key, value) }
		at == "pending" && pending != "" && key != "delete" { later[key] = value }
		at == "pending" && pending != "" && key == "delete" {
			count = split(value, names, /[,; \t]+/)
			for (i = 1; i <= count; i++) { sub(/^!/, "", names[i]); delete values[names[i]] }
		}
		END {
			for (key in later) set(key, later[key])
			for (i = 1; i <= n; i++) if (order[i] in values) print order[i] ": " values[order[i]]
		}' "$1"
}
setting() { settings "$1" "${3:-}" | sed -n "s/^$2: //p"; }
is_true() { case $1 in 1|[oO][nN]|[yY][eE][sS]|[tT][rR][uU][eE]) ;; *) return 1 ;; esac; }

# ha_state VMID - the state that resources.cfg wants; fails for a guest that is not managed
ha_state() {
	[ -f $pve/ha/resources.cfg ] || return 1
	awk -v id="$1" '
		/^(vm|ct):/ { ours = $2 == id; if (ours) state = "started" }
		/^$/ { ours = 0 }
		ours && $1 == "state" { state = $2 }
		END { if (state == "" || state == "ignored") exit 1; print state == "enabled" ? "started" : state }' $pve/ha/resources.cfg
}

# --- what a start takes ------------------------------------------------------------------------------------------------------

# take VMID WHO KEY ADDRESS - with everything in its IOMMU group, as Proxmox binds it
take() {
	device=/sys/bus/pci/devices/$4
	path=$(readlink -f "$device" | sed 's|^/sys/devices/||; s|/[0-9a-f]*:[0-9a-f]*:|/|g')
	ids=$(cat "$device/vendor"):$(cat "$device/device")
	serial=$(lspci -vv -s "$4" | sed -n 's/.*Device Serial Number //p')
	group=$(readlink "$device/iommu_group")
	members=$(ls "$device/iommu_group/devices" 2>/dev/null | tr '\n' ',')
	record take "$1" "$2" "$3" "$4" "$(echo "$ids" | sed 's/0x//g')" "$path" "${serial:--}" "${group##*/}" "${members%,}"
}

# find_devices ID - all functions where none is named: a prefix, whatever comes after it
find_devices() {
	case $1 in
	*.?) [ ! -e "/sys/bus/pci/devices/$1" ] || echo "$1"; [ ! -e "/sys/bus/pci/devices/0000:$1" ] || echo "0000:$1" ;;
	*) ls /sys/bus/pci/devices | grep -E "^(0000:)?$1" ;;
	esac
}

# mapped NAME - addresses of the entry in mapping/pci.cfg, after Proxmox's checks; else why not
mapped() {
	awk -v name="$1" -v node="$node" '
		/^[^ \t#]/ { ours = $1 == name; known = known || ours; next }
		ours && $1 == "map" {
			n = split($2, words, ","); of = path = id = group = subsystem = "-"
			for (i = 1; i <= n; i++) {
				key = words[i]; sub(/=.*/, "", key); value = words[i]; sub(/^[^=]*=/, "", value)
				if (key == "node") of = value
				if (key == "path") path = value
				if (key == "id") id = value
				if (key == "iommugroup") group = value
				if (key == "subsystem-id") subsystem = value
			}
			if (of == node) print path, id, group, subsystem
		}' $pve/mapping/pci.cfg > /run/rig/mapped
	[ -s /run/rig/mapped ] || { echo "PCI device mapping not found for '$1'"; return 1; }
	while read -r paths id group subsystem; do
		first=${paths%%;*}
		case $first in *.?) ;; *) first=$first.0 ;; esac
		device=/sys/bus/pci/devices/$first
		[ -e "$device" ] || { mapping_invalid "pci device '$first' not found"; return 1; }
		found=$(cat "$device/vendor"):$(cat "$device/device")
		[ "$(echo "$found" | sed 's/0x//g')" = "$id" ] || { mapping_invalid "'id' does not match for '$1' ($found != $id)"; return 1; }
		found=$(cat "$device/subsystem_vendor"):$(cat "$device/subsystem_device")
		[ "$subsystem" = - ] || [ "$(echo "$found" | sed 's/0x//g')" = "$subsystem" ] ||
			{ mapping_invalid "'subsystem-id' does not match for '$1' ($found != $subsystem)"; return 1; }
		found=$(readlink "$device/iommu_group")
		[ "$group" = - ] || [ "${found##*/}" = "$group" ] || { mapping_invalid "'iommugroup' does not match for '$1' (${found##*/} != $group)"; return 1; }
	done < /run/rig/mapped
	head -1 /run/rig/mapped | cut -d' ' -f1
}
mapping_invalid() { echo "PCI device mapping invalid (hardware probably changed): $1"; }

# take_hostpci VMID WHO KEY VALUE - prints why not on failure
take_hostpci() {
	ids='' name=''
	case ,$4, in *,host=*,mapping=*|*,mapping=*,host=*) record drop "$1" "$2" "$3" "$4"; return 0 ;; esac
	rest=$4,
	while [ -n "$rest" ]; do
		part=${rest%%,*} rest=${rest#*,}
		case $part in
		host=*) ids=${part#host=} ;;
		mapping=*) name=${part#mapping=} ;;
		*=*|'') ;;
		*) ids=$part ;;
		esac
	done
	if [ -n "$name" ]; then
		echo "$name" | grep -qiE '^[a-z][a-z0-9_-]+$' || { record drop "$1" "$2" "$3" "$4"; return 0; }
		ids=$(mapped "$name") || { echo "$ids"; return 1; }
	else
		one='([a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(\.[a-f0-9])?'
		echo "$ids" | grep -qE "^$one(;$one)*$" || { record drop "$1" "$2" "$3" "$4"; return 0; }
	fi
	for id in $(echo "$ids" | tr ';' ' '); do
		functions=$(find_devices "$id")
		[ -n "$functions" ] || { echo "no PCI device found for '$id'"; return 1; }
		for function in $functions; do take "$1" "$2" "$3" "$function"; done
	done
}

# take_link VMID WHO KEY NAME
take_link() {
	[ -e "/sys/class/net/$4" ] || { echo "$3: no interface $4"; return 1; }
	record link "$1" "$2" "$3" "$4" "$(cat "/sys/class/net/$4/address")"
}

# run_hookscript VMID FILE - a volume of the storage "local"
run_hookscript() {
	script=$(setting "$2" hookscript pending)
	[ -n "$script" ] || return 0
	case $script in local:snippets/*) script=/var/lib/vz/${script#local:} ;; *) echo "hookscript: no storage of '$script'"; return 1 ;; esac
	[ -x "$script" ] || { echo "hookscript '$script' does not exist or is not executable"; return 1; }
	"$script" "$1" pre-start </dev/null 2>&1 || { echo "hookscript error for $1 on pre-start"; return 1; }
}

# read_includes FILE - what LXC itself reads before it starts a container
read_includes() {
	settings "$1" pending | sed -n 's/^lxc\.include: //p' > /run/rig/includes
	while read -r include; do
		[ -r "$include" ] || { echo "Failed to load config file $include"; return 1; }
	done < /run/rig/includes
}

# start_guest VMID WHO - as vm_start, whoever asks: also with skiplock, for a backup of a guest that is off
start_guest() {
	file=$(guest_file "$1") || { refuse "$1" "$2" "Configuration file of '$1' does not exist"; return 1; }
	! is_true "$(setting "$file" template)" || { refuse "$1" "$2" "you can't start a vm if it's a template"; return 1; }
	[ "$2" = vzdump ] || [ -z "$(setting "$file" lock)" ] || { refuse "$1" "$2" "VM is locked ($(setting "$file" lock))"; return 1; }
	why=$(run_hookscript "$1" "$file") || { refuse "$1" "$2" "$why"; return 1; }
	why=$(read_includes "$file") || { refuse "$1" "$2" "$why"; return 1; }
	settings "$file" pending | grep -E '^(hostpci([0-9]|1[0-5])|lxc\.net\.[0-9]+\.link): ' > "/run/rig/wanted.$1.$2"
	while read -r key value; do
		case $key in
		hostpci*) why=$(take_hostpci "$1" "$2" "${key%:}" "$value") ;;
		*) why=$(take_link "$1" "$2" "${key%:}" "$value") ;;
		esac || { refuse "$1" "$2" "$why"; return 1; }
	done < "/run/rig/wanted.$1.$2"
	[ "$2" = vzdump ] || : > "/run/rig/running/$1"
	record start "$1" "$2"
}
refuse() { # refuse VMID WHO WHY
	record refuse "$1" "$2" "$(echo "$3" | tr '\n' ' ')"
	echo "start failed: $3" >&2
}

# start_all - this node's guests that are to start with it, in their order
start_all() {
	for file in $pve/nodes/"$node"/qemu-server/*.conf $pve/nodes/"$node"/lxc/*.conf; do
		[ -f "$file" ] || continue
		vmid=${file##*/} vmid=${vmid%.conf}
		! is_true "$(setting "$file" template)" || continue
		! ha_state "$vmid" >/dev/null || continue
		is_true "$(setting "$file" onboot)" || continue
		order=$(setting "$file" startup | tr ',' '\n' | sed -n 's/^order=//p; s/^\([0-9]\)/\1/p' | head -1)
		echo "${order:-999999} $vmid"
	done | sort -n -k1,1 -k2,2 > /run/rig/startall
	while read -r _ vmid; do
		[ -e "/run/rig/running/$vmid" ] || start_guest "$vmid" startall
	done < /run/rig/startall
}
