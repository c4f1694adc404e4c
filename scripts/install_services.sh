#!/usr/bin/env bash
# Installs what the service tests start: Redis, Prometheus, Alertmanager, Chromium, docker-compose (Debian packages, only those missing)
# and the Kafka jars (Maven, into .services/kafka). Safe to repeat. Where a package cannot be installed it is named on
# stderr: an error in CI, elsewhere its tests are skipped by name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing_packages() {
    local command package
    while read -r command package; do
        PATH="$PATH:/usr/sbin" command -v "$command" >/dev/null || echo "$package"
    done <<'PACKAGES'
redis-server redis-server
prometheus prometheus
promtool prometheus
prometheus-alertmanager prometheus-alertmanager
amtool prometheus-alertmanager
chromium chromium
chromedriver chromium-driver
java default-jre-headless
mvn maven
docker-compose docker-compose
PACKAGES
}

install_packages() {
    # Debian starts a daemon as soon as its package is there, on its usual port and with its usual data: policy-rc.d forbids it.
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

mapfile -t missing < <(missing_packages | sort -u)
if ((${#missing[@]})); then
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "installing: ${missing[*]}" >&2
        install_packages "${missing[@]}"
        mapfile -t missing < <(missing_packages | sort -u)
    fi
    if ((${#missing[@]})); then
        echo "services missing, their tests cannot run: ${missing[*]}" >&2
        [[ -z ${CI:-} ]] || exit 1
    fi
fi

# Kafka comes as a set of jars; the stamp is the pom they came from.
jars=.services/kafka
if ! cmp -s tests/services/pom.xml "$jars/pom.xml"; then
    if command -v mvn >/dev/null; then
        echo "fetching the Kafka jars" >&2
        rm -rf "$jars"
        mvn -q -B -Dstyle.color=never -f tests/services/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/$jars"
        cp tests/services/pom.xml "$jars/pom.xml"
    else
        echo "services missing, their tests cannot run: kafka" >&2
        [[ -z ${CI:-} ]] || exit 1
    fi
fi
