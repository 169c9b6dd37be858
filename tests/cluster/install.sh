#!/usr/bin/env bash
# Installs what the tests of a cluster need from Debian's packages, where it is missing: Slurm and its authentication,
# and with the argument `accounting` Slurm's database too. Starts no service.
set -euo pipefail

programs=(munged slurmctld slurmd sbatch)
packages=(munge slurmctld slurmd slurm-client)
if [ "${1:-}" = accounting ]; then
    programs+=(slurmdbd mariadbd)
    packages+=(slurmdbd mariadb-server)
fi

# Daemons lie where only root's PATH looks.
PATH=$PATH:/usr/sbin:/sbin
missing=()
for program in "${programs[@]}"; do
    command -v "$program" > /dev/null || missing+=("$program")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "${missing[*]}: not installed, and only root can install them, with apt-get: ${packages[*]}" >&2
    exit 1
fi

# Packages of servers start them unless this file forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
