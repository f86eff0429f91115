#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tables: csv and tsv, in and out.

load lib

# What Python's csv module writes and reads is the judge.
@test "csv: what Python writes is read as it was, in every style and however it comes" {
	/usr/bin/python3 - <<-'END'
		import csv, json, random
		random.seed(4180)
		parts = ['a', '"', ',', '\n', '\r\n', ' ', 'é', '\U0001f600', ';', 'x' * 40, "'", '\t', '\\', 'word', '\x00']
		def text():
		    return ''.join(random.choice(parts) for _ in range(random.randrange(1, 9))) + 'z'
		def value():
		    return random.choice([text, text, lambda: random.randrange(-2**63, 2**64), lambda: random.randrange(1000),
		        lambda: random.choice([0.5, -12.25, 1e300, 1e-7, 2e21, 123456.789]), lambda: None])()
		names = ['plain', 'with, comma', 'with "quotes"', 'two\nlines', 'é']
		rows = [[value() for _ in names] for _ in range(400)]
		for style, quoting, end in ('minimal', csv.QUOTE_MINIMAL, '\n'), ('crlf', csv.QUOTE_MINIMAL, '\r\n'), ('nonnumeric', csv.QUOTE_NONNUMERIC, '\r\n'):
		    with open(style + '.csv', 'w', newline='', encoding='utf-8-sig' if style == 'crlf' else 'utf-8') as f:
		        w = csv.writer(f, quoting=quoting, lineterminator=end)
		        w.writerow(names)
		        w.writerows(rows)
		    with open(style + '.want', 'w') as f:
		        for row in rows:
		            # QUOTE_NONNUMERIC quotes None, too, which makes it text.
		            row = ['' if x is None and style == 'nonnumeric' else x for x in row]
		            f.write(json.dumps(dict(zip(names, row)), ensure_ascii=False, separators=(',', ':')) + '\n')
	END
	local style
	for style in minimal crlf nonnumeric; do
		kstream-cat --from csv --to json $style.csv | jq -c . >got # jq writes 1e300 otherwise, in both
		jq -c . $style.want | diff - got >/dev/null || fail "$style: $(jq -c . $style.want | diff - got | head -n 4)"
		# Integers are exact, which jq's are not.
		diff <(grep -o ':-\?[0-9]\{17,\}[,}]' $style.want) <(kstream-cat --from csv --to json $style.csv | grep -o ':-\?[0-9]\{17,\}[,}]') || fail $style
		# A byte at a time, a row at a time, by time: the same.
		/usr/bin/python3 -c 'import os, sys; [os.write(1, bytes([c])) for c in open(sys.argv[1], "rb").read(6000)]' $style.csv | kstream-cat --from csv --to json --on-error skip >bytes
		head -n 20 got | diff - <(jq -c . bytes | head -n 20) || fail $style
		kstream-cat --from csv --to csv $style.csv | kstream-cat --from csv --to json | jq -c . | diff - got >/dev/null || fail $style
	done
}

@test "csv: what is written, Python reads as it was" {
	printf '%s\n' '{"s":"a,b","q":"say \"x\"","l":"1\n2\r\n3","n":1,"d":-1.5,"t":true,"z":null,"e":"","num":"007","o":{"x":{"y":[1,"a"]},"w":{}}}' \
		'{"e":"true","s":" blank ","n":18446744073709551615,"num":"1e5","t":false,"o":{"x":{"y":[]}}}' >in
	kstream-cat --from json --to csv in >out
	/usr/bin/python3 -c 'import csv, json; [print(json.dumps(r, separators=(",", ":"))) for r in csv.DictReader(open("out", newline=""))]' >got
	printf '%s\n' '{"s":"a,b","q":"say \"x\"","l":"1\n2\r\n3","n":"1","d":"-1.5","t":"true","z":"","e":"","num":"007","o.x.y":"[1,\"a\"]","o.w":"{}"}' \
		'{"s":" blank ","q":"","l":"","n":"18446744073709551615","d":"","t":"false","z":"","e":"true","num":"1e5","o.x.y":"[]","o.w":""}' | diff - got
	# Text that looks like something else is in quotes, so that it comes back as text; null is not.
	kstream-cat --from csv --to json out >got
	printf '%s\n' '{"s":"a,b","q":"say \"x\"","l":"1\n2\r\n3","n":1,"d":-1.5,"t":true,"z":null,"e":"","num":"007","o.x.y":"[1,\"a\"]","o.w":"{}"}' \
		'{"s":" blank ","q":null,"l":null,"n":18446744073709551615,"d":null,"t":false,"z":null,"e":"true","num":"1e5","o.x.y":"[]","o.w":null}' | diff - got
	# A row of one null field would be a blank line, which readers pass over.
	[ "$(printf '{"a":1}\n{"a":null}\n' | kstream-cat --from json --to csv | od -An -c | tr -d ' ')" = 'a\n1\n""\n' ]
}

@test "csv: what is a number and what stays text" {
	printf '%s\n' v 0 -0 42 -7 1.5 1.0 1e+3 -2.5E-2 12e5 9007199254740993 -9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775809 \
		007 +1 .5 1. 0x10 1_000 1e999 true false True null NaN - '"5"' '"true"' '""' ' 1' 2026-01-01 >in
	kstream-cat --from csv --to json in | sed 's/^{"v"://; s/}$//' | tr '\n' ' ' >out
	output_is '0 0 42 -7 1.5 1.0 1000.0 -0.025 "12e5" 9007199254740993 -9223372036854775808 18446744073709551615 "18446744073709551616" "-9223372036854775809" "007" "+1" ".5" "1." "0x10" "1_000" "1e999" true false "True" "null" "NaN" "-" "5" "true" "" " 1" "2026-01-01" '
	try kstream-cat --from csv --to raw --types string in
	[ "$(sed 's/^{"v":"//; s/"}$//' out | head -n 9 | tr '\n' ' ')" = '0 -0 42 -7 1.5 1.0 1e+3 -2.5E-2 12e5 ' ]
	[ "$(printf 'a,b\n1,\n' | kstream-cat --from csv --types string --to json)" = '{"a":"1","b":""}' ]
	[ "$(printf 'a,b\n1,\n' | kstream-cat --from csv --types auto --to json)" = '{"a":1,"b":null}' ]
}

@test "csv: names come from the header, or from --fields" {
	local x
	[ "$(printf 'a,a,,b,a\n1,2,3,4,5' | kstream-cat --from csv --to json)" = '{"a":1,"a_2":2,"3":3,"b":4,"a_3":5}' ]
	try_sh "printf 'a,a_2,a\n1,2,3\n' | kstream-cat --from csv --to json --on-error skip"
	refused 65 kstream-cat "stdin:1: the header, field 3: the next of equal names is called 'a_2', as field 2 is"
	try_sh "printf '1,2\n3,4\n' | kstream-cat --from csv --fields x,y --to json"
	expect 0 $'{"x":1,"y":2}\n{"x":3,"y":4}'
	try_sh "printf '\xef\xbb\xbf\"a,b\"\n1\n' | kstream-cat --from csv --to json"
	expect 0 '{"a,b":1}'
	try_sh "printf '\xef\xbb\xbf\"1\"\n' | kstream-cat --from csv --fields a --to json"
	expect 0 '{"a":"1"}'
	try_sh "kstream-cat --from csv --to json </dev/null"
	expect 0 ''
	try_sh "printf 'a,b' | kstream-cat --from csv --to json"
	expect 0 ''
	# Lines that end in CR alone are not taken for one header without records.
	for x in 'a,b\r1,2\r3,4\r' 'a\r1\n'; do
		try_sh "printf '$x' | kstream-cat --from csv --to json"
		refused 65 kstream-cat "there is a carriage return without a newline (tr '\\r' '\\n'" || fail "$x"
	done
	try_sh "printf '\"a\rb\"\r\n1\n' | kstream-cat --from csv --to json"
	expect 0 '{"a\rb":1}'
	# Nor is one that ends no line a part of a row without quotes: some readers end the row there, others do not.
	for x in '1\r,2\n' '1,x\ry\r\n' 'x,\r\r\n' '\r1,2\n' '1,"2"\r3\n'; do
		try_sh "printf 'a,b\n$x' | kstream-cat --from csv --to json"
		refused 65 kstream-cat "stdin:2: field " || fail "$x"
	done
	try_sh "printf 'a,b\r\n1\r,2\r\n\"x\ry\",3\r\n\"\r\",\"\r\n\"\r\n' | kstream-cat --from csv --to json --on-error skip"
	expect 0 '{"a":"x\ry","b":3}
{"a":"\r","b":"\r\n"}'
	try_sh "printf 'a\tb\n1\r\t2\r\n' | kstream-cat --from tsv --to json"
	expect 0 '{"a":"1\r","b":2}'
	# A name that begins like a byte order mark comes back.
	printf '{"\xef\xbb\xbfa":1,"b":2}\n' >in
	try_sh "kstream-cat --from json --to csv in | kstream-cat --from csv --to json | cmp - in"
	expect 0 ''
	# Each file has its own.
	printf 'a,b\n1,2\n' >one.csv
	printf 'b,c\n3,4\n' >two.csv
	try kstream-cat --from csv --to json one.csv two.csv
	expect 0 $'{"a":1,"b":2}\n{"b":3,"c":4}'
	for x in '--fields ,a' '--fields a,a' '--columns a,,b' '--types int' '--color red'; do
		# shellcheck disable=SC2086
		try kstream-cat --from csv --to csv $x one.csv
		refused 64 kstream-cat "${x% *}" || fail "$x"
	done
	for x in '--from json --fields a' '--from json --types string' '--from csv --columns a' '--from json --color always' '--from csv --unwrap'; do
		# shellcheck disable=SC2086
		try kstream-cat $x one.csv
		refused 64 kstream-cat "is about" || fail "$x"
	done
}

@test "csv: what is wrong with a row is said with its file and line, and goes to --on-error" {
	{
		printf 'a,b\n"1\n1",2\n\n'
		printf '3\n4,5,6\n"7"x,8\n9,"1\n0",\n\xff,1\n11,12\n13,"open\n'
	} >in.csv
	try kstream-cat --from csv --to json in.csv
	refused 65 kstream-cat 'in.csv:5: the row has 1 field, and the header 2'
	output_is '{"a":"1\n1","b":2}'
	kstream-cat --from csv --to json --on-error file:bad in.csv >out
	output_is $'{"a":"1\\n1","b":2}\n{"a":11,"b":12}'
	jq -r '.headers[] | select(.[0] == "__streams.errors.message") | .[1]' bad >got
	diff - got <<-'END'
		the row has 1 field, and the header 2
		the row has more than the 2 fields of the header
		field 1, 'a': there is text behind its closing quote (a quote within quotes is doubled)
		the row has more than the 2 fields of the header
		field 1, 'a': it is not UTF-8 (iconv makes it so)
		field 2, 'b': its quote is not closed
	END
	# Positions are bytes, and lines count those within quotes.
	[ "$(jq -r .offset bad | tr '\n' ' ')" = '13 15 21 28 37 47 ' ]
	tail -n +5 in.csv | kstream-cat --from csv --fields a,b --to json --on-error skip -v >out 2>err
	[[ "$(cat err)" == *'7 in, 1 out, 0 dropped, 0 late, 6 rejected'* ]] || fail "$(cat err)"
	try_sh "tail -n 1 in.csv | kstream-cat --from csv --fields a,b --to json"
	refused 65 kstream-cat "stdin:1: field 2, 'b': its quote is not closed"
	printf 'a\n1\n"2\n\n3"\n4\n5,6\n' >in.csv
	try kstream-cat --from csv --to json in.csv
	refused 65 kstream-cat 'in.csv:7: '
}

@test "csv: a row past --max-record is passed over to its end, a header is fatal" {
	{
		printf 'a,b\n1,2\n3,"'
		head -c 3000 /dev/zero | tr '\0' '\n'
		printf '"",still"\n4,5\n'
	} >in.csv
	try kstream-cat --from csv --to json --max-record 1000 --on-error skip -v in.csv
	refused 0 kstream-cat ' 1 rejected'
	output_is $'{"a":1,"b":2}\n{"a":4,"b":5}'
	try_sh "(head -c 500 in.csv; sleep 0.05; tail -c +501 in.csv) | kstream-cat --from csv --to json --max-record 1000 --on-error skip"
	expect 0 $'{"a":1,"b":2}\n{"a":4,"b":5}'
	try kstream-cat --from csv --to json --max-record 1000 in.csv
	refused 65 kstream-cat 'in.csv:3: the line is longer than --max-record allows'
	{ head -c 3000 /dev/zero | tr '\0' x && printf '\n1\n'; } >in.csv
	try kstream-cat --from csv --to json --max-record 1000 --on-error skip in.csv
	refused 65 kstream-cat 'in.csv:1: the header is longer than --max-record allows'
}

@test "csv: --time, --key, -c and --order time work on rows" {
	printf 't,k,v\n1000,a,"x\ny"\n3000,b,2\n' >one.csv
	printf 't,k,v\n2000,c,3\n4000,d,"4"\n' >two.csv
	try kstream-cat --from csv --time .t --key .k --order time --to envelope one.csv two.csv
	expect 0
	[ "$(jq -r '"\(.topic)@\(.offset) \(.ts) \(.key) \(.payload.v)"' out | tr '\n' '|')" = $'one@6 1000 a x|y|two@6 2000 c 3|one@19 3000 b 2|two@15 4000 d 4|' ]
	try kstream-cat --from csv -c 2 --to json one.csv two.csv
	expect 0 $'{"t":1000,"k":"a","v":"x\\ny"}\n{"t":3000,"k":"b","v":2}'
	try kstream-filter --from csv --to csv '.t > 1500' one.csv two.csv
	expect 0 $'t,k,v\n3000,b,2\n2000,c,3\n4000,d,"4"'
	try kstream-window --from csv --time .t --key .k --tumble 1m --emit close --to csv 'n=count()' --in one.csv
	expect 0 $'key,start,end,n\na,1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,1\nb,1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,1'
}

@test "csv: a run goes on in the middle of a file, and knows its header" {
	printf '\xef\xbb\xbf\n"id",text\r\n1,"a\nb"\r\n2,"c' >in.csv
	try kstream-cat --from csv --to csv --app x --out rows in.csv
	expect 0 ''
	printf 'id,text\n1,"a\nb"\n' | diff - rows # what is not whole waits
	printf '\nd"\r\n3,e\r\n' >>in.csv
	try kstream-cat --from csv --to csv --app x --out rows in.csv
	expect 0 ''
	printf 'id,text\n1,"a\nb"\n2,"c\nd"\n3,e\n' | diff - rows
	printf '4\r\n' >>in.csv
	try kstream-cat --from csv --to csv --app x --out rows in.csv
	refused 65 kstream-cat 'in.csv@' # the line is not known in the middle
	try kstream-cat --from csv --to csv --app x --out rows --on-error skip in.csv
	expect 0 ''
	# The lines before the header were read by another run.
	printf '\n\n' >late.csv
	try kstream-cat --from csv --to json --app late --out late late.csv
	expect 0 ''
	printf '\nid,text\n1,a\n' >>late.csv
	try kstream-cat --from csv --to json --app late --out late late.csv
	expect 0 ''
	[ "$(cat late)" = '{"id":1,"text":"a"}' ]
	printf '{"id":1,"more":2}\n' >other.json
	try kstream-cat --from json --to csv --app y --out other other.json
	expect 0 ''
	[ "$(cat other)" = $'id,more\n1,2' ]
}

@test "csv: what has no column is refused, unless --columns chooses" {
	printf '{"a":1,"b":{"c":2}}\n{"b":{"c":3,"d":null}}\n{"a":4,"x":5}\n{"a":6}\n' >in
	try kstream-cat --from json --to csv in
	refused 65 kstream-cat "in/0@43: its field 'x' has no column: the first line names them (--columns chooses others)"
	output_is $'a,b.c\n1,2\n,3'
	try kstream-cat --from json --to csv --on-error skip in
	expect 0 $'a,b.c\n1,2\n,3\n6,'
	try kstream-cat --from json --to csv --columns x,b.c,a,none in
	expect 0 $'x,b.c,a,none\n,2,1,\n,3,,\n5,,4,\n,,6,'
	try_sh "kstream-cat --from json --to csv --columns 'a,b c' </dev/null"
	expect 0 'a,b c'
	try_sh "kstream-cat --from json --to tsv --columns 'a,b c' </dev/null"
	expect 0 $'a\tb c'
	try_sh "/usr/bin/python3 -c 'import json; print(json.dumps({str(i): i for i in range(1001)}))' | kstream-cat --from json --to csv"
	refused 65 kstream-cat "more fields than there can be columns, '1000' and so on"
}

@test "csv: tsv is read as it is written" {
	printf '{"a\\tb":"x\\ty\\nz\\\\","n":-1.5,"z":null,"t":true,"q":"\\"q\\"","e":""}\n' >in
	kstream-cat --from json --to tsv in >rows
	printf 'a\\tb\tn\tz\tt\tq\te\nx\\ty\\nz\\\\\t-1.5\t-\ttrue\t"q"\t\n' | diff - rows
	try kstream-cat --from tsv --to json rows
	expect 0 '{"a\tb":"x\ty\nz\\","n":-1.5,"z":null,"t":true,"q":"\"q\"","e":null}'
	try kstream-cat --from tsv --to json --types string rows
	expect 0 '{"a\tb":"x\ty\nz\\","n":"-1.5","z":"-","t":"true","q":"\"q\"","e":""}'
	try_sh "printf 'a\tb\r\n1\t\\\\q\\\\\r\n' | kstream-cat --from tsv --to json"
	expect 0 '{"a":1,"b":"\\q\\"}'
	try_sh "printf '1\t2\t3\n' | kstream-cat --from tsv --fields x,y --to json"
	refused 65 kstream-cat 'stdin:1: the row has more than the 2 fields of the header'
}
