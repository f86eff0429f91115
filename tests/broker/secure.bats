#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bin is set by lib.bash
# kstream-cat and a secured Kafka, which this file brings up for itself: TLS, client certificates, SASL and ACLs; and that secrets stay secret.

load lib

setup_file() {
	"$BATS_TEST_DIRNAME/../../scripts/kafka" up --secure --port 0 --dir "$BATS_FILE_TMPDIR/kafka" >"$BATS_FILE_TMPDIR/up" 2>&1 3>&- || {
		cat "$BATS_FILE_TMPDIR/up"
		return 1
	}
	export KSTREAM_SECURE=$BATS_FILE_TMPDIR/kafka/client
	acl=${KSTREAM_BIN:?}/../broker/acl
	for topic in open readable writable described closed; do "$acl" "$KSTREAM_SECURE/admin-plain.conf" topic $topic 1 || return; done
	rights READ open && rights WRITE open && rights READ readable && rights WRITE writable && rights DESCRIBE described
	for topic in readable writable described; do
		kcat -F "$KSTREAM_SECURE/admin-plain.conf" -P -t $topic <<<'{"n":1}' || return
	done 2>&1
}

teardown_file() { "$BATS_TEST_DIRNAME/../../scripts/kafka" down --dir "$BATS_FILE_TMPDIR/kafka" >"$BATS_FILE_TMPDIR/down" 2>&1; }

rights() { "$acl" "$KSTREAM_SECURE/admin-plain.conf" allow alice "$1" topic "$2"; }

as() { # as WHO ...: kstream-cat with the properties of one of the clients
	local who=$1
	shift
	"$bin/kstream-cat" -F "$KSTREAM_SECURE/$who.conf" "$@"
}

secret_of() { cat "$KSTREAM_SECURE/$1.password"; }

@test "TLS, a client certificate, and PLAIN over TLS: what is written is read" {
	for who in tls alice-mtls alice-plain; do
		as $who --from json -P -t open <<<"{\"who\":\"$who\"}"
		[ "$(as $who -t open -o -1 -e --to json)" = "{\"who\":\"$who\"}" ]
	done
	kcat -C -q -e -F "$KSTREAM_SECURE/admin-plain.conf" -t open -o -1 2>kcat.err | grep alice-plain
}

@test "no right on any group: none is needed to read" {
	[ "$(as alice-plain -t readable -e --to json)" = '{"n":1}' ]
}

@test "a wrong secret: 77, at once, reading and writing" {
	begin=$(date +%s)
	run as mallory-plain -t open -e
	refused 77 "Authentication failed"
	run as mallory-plain -P -t open --from json <<<1
	refused 77 "Authentication failed"
	[ $(($(date +%s) - begin)) -lt 10 ]
}

@test "an authority that is not known: 77" {
	run as alice-plain -X "ssl.ca.location=$KSTREAM_SECURE/other-ca.crt" -t open -e
	refused 77 "certificate verify failed"
	run as alice-mtls -X "ssl.ca.location=$KSTREAM_SECURE/other-ca.crt" -t open -e
	refused 77 "certificate verify failed"
}

@test "no client certificate where one is wanted: 77" {
	run as tls -b "$(sed -n 's/^bootstrap.servers=//p' "$KSTREAM_SECURE/alice-mtls.conf")" -t open -e
	refused 77 "alert"
}

@test "nobody listens: 69, with TLS, too" {
	run as alice-plain -b localhost:1 -t open -e
	refused 69 "Connection refused"
}

@test "no right on a topic: 77, by its name and the right that is missing" {
	run as alice-plain -t closed -e
	refused 77 "no right to read topic 'closed': READ on the topic is missing"
	run as alice-plain -t described -e --to json # where it ends may be known, but not what is in it
	refused 77 "no right to read topic 'described': READ on the topic is missing"
	run as alice-plain -P -t closed --from json <<<1
	refused 77 "no right to write to topic 'closed': WRITE on the topic is missing"
	run as alice-plain -P -t readable --from json <<<1
	refused 77 "no right to write to topic 'readable': WRITE on the topic is missing"
	run as alice-plain -t writable -e --to json
	refused 77 "no right to read topic 'writable'"
}

@test "no right on a group, where it is read for one: 77, by its name and the right that is missing" {
	run as alice-plain -G secret open -e --to json
	refused 77 "no right to join group 'secret': READ on the group is missing"
	run as alice-plain -t open -o stored -X group.id=secret -e --to json
	refused 77 "no right to read the offsets of group 'secret': DESCRIBE on the group is missing"
	run as alice-plain -L -t open --group secret
	refused 77 "no right to read the offsets of group 'secret': DESCRIBE on the group is missing"
}

@test "SCRAM: it works, or the line says that this librdkafka cannot do it with Kafka 4" {
	run as alice-scram -t readable -e --to json
	if [ "$(library)" -ge 20601 ] || [[ ${KSTREAM_KAFKA_VERSION-4} == 3.* ]]; then
		[ "$status" -eq 0 ]
		[ "$output" = '{"n":1}' ]
		run as mallory-scram -t readable -e
		refused 77 "uthentication failed"
	else
		refused 77 "this librdkafka cannot do SCRAM with Kafka 4.0 or later: use 2.6.1"
	fi
	run as mallory-plain -t readable -e
	[[ $output != *"use 2.6.1"* ]]
}

@test "a client.properties of Java: JAAS, a trust store and a key store of PEM" {
	port=$(sed -n 's/^bootstrap.servers=localhost://p' "$KSTREAM_SECURE/alice-mtls.conf")
	cat "$KSTREAM_SECURE/alice.key" "$KSTREAM_SECURE/alice.crt" >alice.pem
	(
		umask 077
		cat >client.properties <<-END
			! Java's other comment
			security.protocol = SASL_SSL
			sasl.mechanism = PLAIN
			sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required \\
			    username="alice" \\
			    password="$(secret_of alice)";
			ssl.truststore.type = PEM
			ssl.truststore.location = $KSTREAM_SECURE/ca.crt
			ssl.endpoint.identification.algorithm = https
			key.deserializer = org.apache.kafka.common.serialization.StringDeserializer
			acks = all
		END
		cat >mtls.properties <<-END
			security.protocol=SSL
			ssl.truststore.location=$KSTREAM_SECURE/ca.crt
			ssl.keystore.type=PEM
			ssl.keystore.location=$PWD/alice.pem
		END
	)
	[ "$(cat_ -F client.properties -b "localhost:$((port - 2))" -t readable -e --to json)" = '{"n":1}' ]
	[ "$(cat_ -F mtls.properties -b "localhost:$port" -t readable -e --to json)" = '{"n":1}' ]
	run cat_ -v -F client.properties -b "localhost:$((port - 2))" -t readable -e --to json
	[[ $output == *"client.properties:10: property 'key.deserializer' is left out"* ]]
	[[ $output == *"client.properties:11: property 'acks' is left out"* ]]
}

@test "an empty ssl.endpoint.identification.algorithm of Java: names are not checked" {
	printf 'ssl.endpoint.identification.algorithm=\n' >no-names.properties
	printf 'security.protocol=ssl\n' >>no-names.properties
	run cat_ -F no-names.properties -b 127.0.0.2:1 -t open -e
	refused 69 "Connection refused"
}

@test "secrets by @FILE and env: connect; a file that others can read is refused" {
	grep -v '^sasl.password' "$KSTREAM_SECURE/alice-plain.conf" >bare.conf
	echo 'sasl.password=env:KAFKA_SECRET' >>bare.conf
	chmod 644 bare.conf # has no secret itself
	[ "$(KAFKA_SECRET=$(secret_of alice) cat_ -F bare.conf -t readable -e --to json)" = '{"n":1}' ]
	[ "$(cat_ -F bare.conf -X "sasl.password=@$KSTREAM_SECURE/alice.password" -t readable -e --to json)" = '{"n":1}' ]
	[ "$(cat_ -F bare.conf -X sasl.password=@<(secret_of alice) -t readable -e --to json)" = '{"n":1}' ]
	secret_of alice >loose
	chmod 640 loose
	run cat_ -F bare.conf -X sasl.password=@loose -t readable -e
	refused 78 "chmod 600 'loose'"
	run cat_ -F bare.conf -t readable -e
	refused 78 "bare.conf:6: no variable 'KAFKA_SECRET' in the environment"
	cp "$KSTREAM_SECURE/alice-plain.conf" loose.conf
	chmod 604 loose.conf
	run cat_ -F loose.conf -t readable -e
	refused 78 "loose.conf:6: others can read this file, which has a secret, 'sasl.password': chmod 600 'loose.conf'"
}

@test "a secret is not in ps, not in the log of librdkafka, not in a core" {
	secret=$(secret_of alice)
	grep -v '^sasl.password' "$KSTREAM_SECURE/alice-plain.conf" >bare.conf
	(
		ulimit -c unlimited
		exec "$bin/kstream-cat" -v -v -F bare.conf -X "sasl.password=$secret" -X debug=all -t readable --to json >out 2>err 3>&-
	) &
	pid=$!
	pids+=" $pid"
	wait_for lines_of out 1
	run tr '\0' ' ' </proc/$pid/cmdline
	[[ $output == *"sasl.password= "* ]]
	[[ $output != *"$secret"* ]]
	grep -q 'a secret on the command line' err
	grep -q 'sasl.password' err # debug=all prints the configuration
	run grep -c -F -e "$secret" err out
	[ "$output" = $'err:0\nout:0' ]
	# The process cannot be dumped: its files in /proc are root's, whoever runs it, and an abort leaves no core.
	[ "$(stat -c %u /proc/$pid/environ)" -eq 0 ]
	kill -ABRT $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 134 ]
	[ -z "$(find . -name 'core*')" ]
}

@test "a reset that may not delete the records of a topic: 77, before it begins" {
	local acl=$bin/../broker/acl
	for word in READ DESCRIBE; do "$acl" "$KSTREAM_SECURE/admin-plain.conf" allow alice $word group carl; done
	copy() { as admin-plain --state-dir state --in kafka:open --out kafka:writable --app carl -e -v; }
	as admin-plain --from json -P -t open <<<'{"n":1}'
	copy
	run "$bin/kstream-reset" -F "$KSTREAM_SECURE/alice-plain.conf" --app carl --state-dir state --empty writable --apply
	echo "$output"
	[ "$status" -eq 77 ]
	[[ $output == *"kstream-reset: no right to delete records of topic 'writable': DELETE on the topic is missing" ]]
	[ ! -e state/carl/reset.plan ]
	copy 2>said
	grep -q '0 in, 0 out' said
}

@test "exactly once, without a right on the transactional id: 77, by its name" {
	# (librdkafka 2.0.2 cannot give that right, so this is as far as it goes.)
	export KSTREAM_STATE_DIR=$PWD/state
	run as alice-plain --in kafka:readable --out kafka:writable --app bill --instance 0/1 -e
	refused 77 "no right to use the transactional id 'bill.0/1': WRITE on it is missing"
}
