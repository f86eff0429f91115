#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the pictures of kstream-join(1) show is what comes out.

load lib
load joins

# picture OPTIONS RESULT: of the records in the file in, LEFT+RIGHT@TIME each, of another key than k with that; n: there is none
picture() {
	local got
	# shellcheck disable=SC2086 # options are words
	got=$(kstream-join --from envelope --to envelope --end paused $1 in |
		jq -r '"\(if .key == "k" then "" else "\(.key):" end)\(.payload | if . == null then "null" else
			[.left, .right] | map(. // "n" | tostring) | join("+") end)@\(.ts)"' | paste -sd ' ')
	[ "$got" = "$2" ] || fail "$1: $got"
}

# said TEXT: the page has it
# shellcheck disable=SC2154 # what lib sets
said() { grep -qF -- "$1" "$root/man/kstream-join.1" || fail "the page does not say: $1"; }

@test "join pictures: two streams" {
	records 'L/k/"a1"/0/0' 'R/k/"b1"/0/5000' 'L/k/"a2"/0/15000' 'R/k/"b2"/0/20000' 'L/k/"a3"/0/30000' 'R/k/"b3"/0/40000' 'L/x/"x"/0/47000' >in
	picture '--stream L --stream R --within 6s' 'a1+b1@5000 a2+b2@20000'
	picture '--stream L --stream R --within 6s --left' 'a1+b1@5000 a2+b2@20000 a3+n@30000'
	picture '--stream L --stream R --within 6s --outer' 'a1+b1@5000 a2+b2@20000 a3+n@30000 n+b3@40000'
	said 'outer       a1+b1     a2+b2     a3+n n+b3'
}

@test "join pictures: a stream and a table" {
	records 'R/k/"A"/0/10' 'L/k/"a"/0/20' 'R/k/"B"/0/30' 'L/k/"b"/0/25' 'R/k/null/0/31' 'L/k/"c"/0/5' >in
	picture '--stream L --table R' 'a+A@20 b+B@25'
	picture '--stream L --table R --left' 'a+A@20 b+B@25 c+n@5'
	said 'left         a+A         b+B         c+n'
	records 'R/k/"A"/0/10' 'R/k/"B"/0/30' 'L/k/"a"/0/20' 'L/k/"b"/0/35' 'L/k/"c"/0/5' >in
	picture '--stream L --table R --versioned 1h --left' 'a+A@20 b+B@35 c+n@5'
	said 'left               a+A   b+B   c+n '
	records 'R/k/"A"/0/10000' 'L/k/"a"/0/20000' 'R/k/"B"/0/18000' 'L/x/"x"/0/25000' >in
	picture '--stream L --table R --versioned 1h --grace 5s' 'a+B@20000'
	said 'inner                    a+B '
}

@test "join pictures: a global table" {
	records 'R/1/"A"/0/1' 'L/k/{"u":"1"}/1/2' 'R/2/"B"/0/3' 'L/k/{"u":"2"}/0/4' 'R/1/"C"/0/5' 'L/k/{"u":"1"}/2/6' 'L/k/{"u":"3"}/0/7' >in
	picture '--stream L --global R --on .u --value {left:.left.u,right}' '1+A@2 2+B@4 1+C@6'
	picture '--stream L --global R --on .u --left --value {left:.left.u,right}' '1+A@2 2+B@4 1+C@6 3+n@7'
	said 'left         1+A         2+B         1+C   3+n'
}

@test "join pictures: two tables" {
	records 'L/k/"A"/0/1' 'R/k/"X"/0/2' 'L/k/"B"/0/3' 'R/k/"Y"/0/4' 'R/k/null/0/5' 'L/k/null/0/6' >in
	picture '--table L --table R' 'A+X@2 B+X@3 B+Y@4 null@5'
	picture '--table L --table R --left' 'A+n@1 A+X@2 B+X@3 B+Y@4 B+n@5 null@6'
	picture '--table L --table R --outer' 'A+n@1 A+X@2 B+X@3 B+Y@4 B+n@5 null@6'
	said 'outer  A+n   A+X   B+X   B+Y   B+n   null'
}

@test "join pictures: a foreign key" {
	records 'L/o1/{"of":"c1"}/0/1' 'R/c1/"X"/0/2' 'L/o2/{"of":"c1"}/0/3' 'L/o1/{"of":"c2"}/0/4' 'R/c1/"Y"/0/5' 'R/c1/null/0/6' >in
	picture '--table L --table R --foreign-key .of --value {left:.left.of,right}' 'o1:c1+X@2 o2:c1+X@3 o1:null@4 o2:c1+Y@5 o2:null@6'
	picture '--table L --table R --foreign-key .of --left --value {left:.left.of,right}' 'o1:c1+n@1 o1:c1+X@2 o2:c1+X@3 o1:c2+n@4 o2:c1+Y@5 o2:c1+n@6'
	said 'left   o1+n   o1+X   o2+X   o1+n   o2+Y   o2+n'
}
