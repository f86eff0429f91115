#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2030,SC2031 # each test sets variables for itself
# Where kstream-cat takes the properties of Kafka from, and what it refuses.  No Kafka is needed: a property that does not exist ends it at once,
# by the line that it stands in.  What reaches a real Kafka is in tests/broker/secure.bats.

load lib

conf() { # conf FILE LINE...: a file of properties that nobody else can read
	mkdir -p "$(dirname "$1")"
	(
		umask 077
		printf '%s\n' "${@:2}" >"$1"
	)
}

cat_() { try kstream-cat -b 127.0.0.1:1 --timeout 1s -t x -e "$@"; }

# All that is given is taken: the property behind it, which does not exist, is what ends it.
all_taken() {
	cat_ "$@" -X stop.here=
	[[ "$(tail -n 1 err)" == *"-X: librdkafka "*" knows no property 'stop.here'" ]] || fail 'something else than stop.here'
}

@test "the first file there is: -F, KSTREAM_CONFIG, kstream.conf, KCAT_CONFIG, kcat.conf, kafkacat.conf; -F none reads none" {
	export HOME=$PWD/home XDG_CONFIG_HOME=$PWD/xdg KSTREAM_CONFIG=$PWD/own KCAT_CONFIG=$PWD/kcat
	conf option o=
	for file in own xdg/kstream.conf kcat home/.config/kcat.conf home/.config/kafkacat.conf; do conf $file "from.$(basename $file)="; done
	cat_ -F option
	refused 78 kstream-cat 'option:1: librdkafka '
	for file in own xdg/kstream.conf kcat home/.config/kcat.conf home/.config/kafkacat.conf; do
		cat_
		refused 78 kstream-cat "$PWD/$file:1: librdkafka "
		rm $file
		case $file in own) unset KSTREAM_CONFIG ;; kcat) unset KCAT_CONFIG ;; esac
	done
	all_taken
	conf home/.config/kcat.conf o=
	all_taken -F none
	unset XDG_CONFIG_HOME
	conf home/.config/kstream.conf o=
	cat_
	refused 78 kstream-cat '.config/kstream.conf:1:'
}

@test "a file that is named must be there; others need not" {
	cat_ -F missing
	refused 78 kstream-cat "cannot read the configuration 'missing': No such file"
	KSTREAM_CONFIG=missing cat_
	refused 78 kstream-cat "cannot read the configuration 'missing': No such file"
	KCAT_CONFIG=missing cat_
	refused 78 kstream-cat "cannot read the configuration 'missing': No such file"
	XDG_CONFIG_HOME=/nonexistent HOME=/nonexistent all_taken
	cat_ -F .
	refused 78 kstream-cat "cannot read the configuration '.': Is a directory"
}

@test "a file is read only where Kafka is asked for: files and pipes do without" {
	conf own o= bootstrap.servers=127.0.0.1:1
	export KSTREAM_CONFIG=$PWD/own
	try kstream-cat --from json --to json <<<1
	expect 0 1
	try kstream-cat --from json --to json -t name <<<1
	expect 0 1
	try kstream-cat -t name -e
	refused 78 kstream-cat 'own:1:'
}

@test "-b and -X win over the file, the later over the earlier; several -F in their order" {
	conf a bootstrap.servers=127.0.0.1:2
	conf b bootstrap.servers=127.0.0.1:3
	run_() { try kstream-cat --timeout 1s -t x -e "$@"; }
	run_ -F a
	refused 69 kstream-cat '127.0.0.1:2'
	run_ -F a -F b
	refused 69 kstream-cat '127.0.0.1:3'
	run_ -X bootstrap.servers=127.0.0.1:4 -F a
	refused 69 kstream-cat '127.0.0.1:4'
	run_ -b 127.0.0.1:5 -F a
	refused 69 kstream-cat '127.0.0.1:5'
	run_ -X bootstrap.servers=127.0.0.1:4 -b 127.0.0.1:5
	refused 69 kstream-cat '127.0.0.1:5'
	run_ -b 127.0.0.1:5 -X metadata.broker.list=127.0.0.1:6
	refused 69 kstream-cat '127.0.0.1:6'
	run_ -F none
	refused 64 kstream-cat 'name a broker with -b'
}

@test "lines: comments, blanks, CR, a byte order mark, topic.; and what is none" {
	printf '\xef\xbb\xbf# comment\r\n\r\n! comment\n \t client.id = a=b  \r\ntopic.request.timeout.ms=20000\n\nbootstrap.servers=127.0.0.1:7' >a
	try kstream-cat --timeout 1s -F a -t x -e
	refused 69 kstream-cat '127.0.0.1:7'
	conf a '# first' 'client.id=x' 'no value'
	cat_ -F a
	refused 78 kstream-cat 'a:3: not a line of NAME=VALUE'
	conf a '=x'
	cat_ -F a
	refused 78 kstream-cat 'a:1: not a line of NAME=VALUE'
	printf 'client.id=\0x\n' >a
	cat_ -F a
	refused 78 kstream-cat "cannot read the configuration 'a'"
	head -c 2000000 /dev/zero | tr '\0' '#' >a
	cat_ -F a
	refused 78 kstream-cat "'a': File too large"
}

@test "a value that is not taken: its line, and not the value" {
	conf a client.id=x security.protocol=geheim
	cat_ -F a
	refused 78 kstream-cat "a:2: property 'security.protocol' does not take that value"
	[[ $(cat err) != *geheim* ]]
}

@test "what is for Java, or kstream's own, is left out of a file, and -v says so; with -X it is wrong" {
	conf a acks=1 key.serializer=org.apache.kafka.common.serialization.StringSerializer \
		partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor fetch.max.wait.ms=100
	all_taken -F a
	all_taken -v -F a
	grep -Fx "kstream-cat: properties from 'a'" err
	grep -Fx "kstream-cat: a:1: property 'acks' is left out: it is kstream's own" err
	grep -Fx "kstream-cat: a:2: property 'key.serializer' is left out: it is for Java" err
	cat_ -X acks=1
	refused 64 kstream-cat "-X: property 'acks' is kstream's own"
	cat_ -X key.serializer=x
	refused 64 kstream-cat "knows no property 'key.serializer'"
}

@test "JAAS: what cannot be read is refused, without a word of it" {
	plain=org.apache.kafka.common.security.plain.PlainLoginModule
	while IFS='|' read -r value text; do
		conf a "sasl.jaas.config=$value"
		cat_ -F a
		refused 78 kstream-cat "a:1: property 'sasl.jaas.config': $text"
		[[ $(cat err) != *geheim* ]]
	done <<-END
		com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;|only PlainLoginModule and ScramLoginModule are known
		$plain username="a" password="geheim";|'required' does not follow the login module
		$plain required username="a" password="geheim"|one ';' must stand at its end
		$plain required username="a" password="geheim|not NAME="VALUE" behind the login module
		$plain required username="a" geheim;|not NAME="VALUE" behind the login module
		$plain required username="a";|no username, or no password
		|no login module
	END
}

@test "key stores of Java are refused with the command that converts them" {
	printf '\xfe\xed\xfe\xed\0\0\0\2' >store.jks
	conf a ssl.truststore.location=store.jks
	cat_ -F a
	refused 78 kstream-cat "a:1: 'store.jks' is not PEM: convert it by keytool -list -rfc -keystore 'store.jks' >ca.pem"
	conf a ssl.keystore.location=store.jks
	cat_ -F a
	refused 78 kstream-cat "a:1: 'store.jks' is a Java key store: convert it by keytool -importkeystore -srckeystore 'store.jks'"
	conf a ssl.truststore.location=missing.jks
	cat_ -F a
	refused 78 kstream-cat "a:1: cannot read 'missing.jks': No such file"
	conf a 'ssl.truststore.certificates=-----BEGIN CERTIFICATE----- x'
	cat_ -F a
	refused 78 kstream-cat "put it into a file, and name that by ssl.ca.location"
}

@test "a file with a secret that others can read is refused with the chmod to type; one without may be read by all" {
	conf a client.id=x sasl.password=geheim
	for mode in 640 604 620; do
		chmod $mode a
		cat_ -F a
		refused 78 kstream-cat "a:2: others can read this file, which has a secret, 'sasl.password': chmod 600 'a'"
	done
	chmod 400 a
	all_taken -F a
	conf a client.id=x sasl.password=env:GEHEIM
	chmod 644 a
	GEHEIM=geheim all_taken -F a
	cat_ -F a
	refused 78 kstream-cat "no variable 'GEHEIM' in the environment, for property 'sasl.password'"
	echo geheim >secret
	chmod 644 secret
	cat_ -X sasl.password=@secret
	refused 78 kstream-cat "others can read 'secret', which has the secret of property 'sasl.password': chmod 600 'secret'"
	all_taken -X client.id=@secret
}

@test "a secret on the command line is wiped there, and warned of; -q does not warn" {
	all_taken -q -X sasl.password=geheim
	[ "$(wc -l <err)" = 1 ]
	cat_ -X sasl.password=geheim
	[ "$(wc -l <err)" = 2 ]
	[[ $(head -n 1 err) == 'kstream-cat: a secret on the command line'* ]]
	kstream-cat -q -b 127.0.0.1:1 -t x -e -X sasl.password=geheim 2>err 3>&- &
	pids=$!
	await 5 grep -qz '^sasl.password=$' /proc/$pids/cmdline
	run grep -a geheim /proc/$pids/cmdline
	[ "$status" -eq 1 ]
}

# SIGABRT in a directory of its own; prints "core" or "none".
cores() { # cores PROPERTY
	GEHEIM=geheim /usr/bin/python3 - "$1" <<-'END'
		import os, resource, signal, subprocess, sys, time
		limits = resource.getrlimit(resource.RLIMIT_CORE)
		p = subprocess.Popen(["kstream-cat", "-b", "127.0.0.1:1", "-t", "x", "-e", "-X", sys.argv[1]], stderr=subprocess.DEVNULL,
		    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1])))
		time.sleep(0.5)
		p.send_signal(signal.SIGABRT)
		print("core" if os.WCOREDUMP(os.waitpid(p.pid, 0)[1]) else "none")
	END
}

@test "with a secret the process leaves no core; without one it does, where cores are made" {
	[ "$(cores sasl.password=env:GEHEIM)" = none ] || fail 'a core with a secret in it'
	conf a client.id=x sasl.password=geheim
	[ "$(KSTREAM_CONFIG=a cores client.id=y)" = none ] || fail 'a core with a secret in it'
	cores client.id=env:GEHEIM >plain
	if [ "$(ulimit -H -c)" = unlimited ] && [ "$(cat /proc/sys/kernel/core_pattern)" = core ] && [ -z "${ASAN_OPTIONS##exitcode=99}" ]; then
		ldd "$(command -v kstream-cat)" | grep -q asan || [ "$(cat plain)" = core ] || fail 'no core without a secret'
	fi
}
