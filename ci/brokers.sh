#!/usr/bin/env bash
# Brings the brokers that tests run (test/brokers) onto this machine: RabbitMQ as Debian's package, Apache Kafka's jars by
# Maven into the user's cache; and what plugins in other languages need (test/foreign). What is there already stays as it is. Says what it could not do and why; fails then only if
# CI=true or PUSHCORE_REQUIRE_BROKERS=1, as the tests do.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=0
lack() { echo "brokers: $*" >&2; missing=1; }
have() { command -v "$1" >/dev/null; }

# apt_install PACKAGE...: returns 1, with a word why, where packages cannot be installed.
apt_install() {
	if ! have apt-get; then lack "no apt-get here to install $*"; return 1; fi
	if [ "$(id -u)" != 0 ]; then lack "not root: run 'apt-get install $*' as root"; return 1; fi
	echo "brokers: installing $*"
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# without_services COMMAND...: keeps Debian's packages from starting the services they bring. Tests run nodes of their own.
without_services() {
	local policy=/usr/sbin/policy-rc.d status=0
	if [ -e "$policy" ] || [ ! -w /usr/sbin ]; then "$@"; return; fi
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	"$@" || status=$?
	rm -f "$policy"
	return "$status"
}

rabbitmq() {
	if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
		echo "brokers: RabbitMQ is installed"
		return
	fi
	without_services apt_install rabbitmq-server || lack "RabbitMQ was not installed"
}

java_major() { java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1; }

kafka() {
	local pom=test/brokers/kafka/pom.xml version cache jars part
	version=$(grep -A1 '<artifactId>kafka_2.13<' "$pom" | sed -n 's:.*<version>\(.*\)</version>.*:\1:p')
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/pushcore
	jars=$cache/kafka-$version

	if ! have java; then apt_install default-jre-headless || { lack "no java to run Kafka"; return; }; fi
	if [ "$(java_major)" -lt 17 ]; then lack "Kafka $version needs Java 17, this is $(java_major)"; return; fi
	if [ -d "$jars" ]; then
		echo "brokers: Kafka $version is in $jars"
		return
	fi
	if ! have mvn; then apt_install maven || { lack "no mvn to fetch Kafka"; return; }; fi

	echo "brokers: copying Kafka $version to $jars"
	mkdir -p "$cache"
	part=$(mktemp -d "$cache/kafka-$version.part.XXXXXX")
	# Whole or not at all: the folder gets its name when every jar is in it.
	if mvn -q -B -ntp -Dstyle.color=never -f "$pom" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$part" && { mv -T "$part" "$jars" 2>/dev/null || [ -d "$jars" ]; }; then
		rm -rf "$part"
	else
		rm -rf "$part"
		lack "Maven did not deliver Kafka $version"
	fi
}

# Not a broker, but what test/chaos cuts lines with: it skips these stories where it is missing.
netfilter() {
	if have nft || ! have apt-get || [ "$(id -u)" != 0 ]; then return; fi
	apt_install nftables || echo "brokers: nftables was not installed; test/chaos will skip partitions" >&2
}

# foreign brings what plugins in other languages need (test/foreign): Node with npm, Python with venv, and a broker.
foreign() {
	if ! have node || ! have npm; then apt_install nodejs npm || lack "no node and npm for plugins in JavaScript"; fi
	if ! have python3 || ! python3 -c "import ensurepip" 2>/dev/null; then apt_install python3-venv || lack "no python3 with venv for plugins in Python"; fi
	if ! have redis-server; then without_services apt_install redis-server || lack "Redis was not installed"; fi
}

# mosquitto brings clients that examples/plugins/mqtt is tried with.
mosquitto() {
	if ! have mosquitto_sub; then apt_install mosquitto-clients || lack "mosquitto-clients were not installed"; fi
}

rabbitmq
kafka
mosquitto
foreign
netfilter
if [ "$missing" = 1 ]; then
	if [ "${CI:-}" = true ] || [ "${PUSHCORE_REQUIRE_BROKERS:-}" = 1 ]; then exit 1; fi
	echo "brokers: tests that need what is missing will be skipped" >&2
fi
