# kstream: GNU make, no configure.  INSTALL says which packages are needed.
#	make [MODE=debug|asan|ubsan|cov|drill]   all check unit bench fuzz lint man install uninstall clean
# Tools, modules, unit tests and fuzz targets are found by name: a new one edits no list.

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
MODE ?=

B := build$(if $(MODE),/$(MODE))
export BUILD := $(B)

WARN := -Wall -Wextra -Wformat=2 -Wshadow -Wconversion -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wvla
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection
KS_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

ifeq ($(MODE),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else ifeq ($(MODE),debug)
override CFLAGS := -O0 -g3
else ifeq ($(MODE),asan)
override CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
KS_LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),ubsan)
override CFLAGS := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
KS_LDFLAGS += -fsanitize=undefined
else ifeq ($(MODE),cov)
override CFLAGS := -O0 -g --coverage
KS_LDFLAGS += --coverage
else ifeq ($(MODE),drill)
override CFLAGS := -O1 -g -DKS_DRILL
else
$(error MODE is debug, asan, ubsan, cov or drill)
endif

KS_CFLAGS := -std=c11 -D_GNU_SOURCE -I. $(WARN) $(HARDEN)
LIBS := -lrdkafka -lmsgpackc -lm

# kstream-cat frees in one thread what librdkafka allocates in another, for each record: the C library's lock on what they share costs
# more than all the rest (4 partitions, CPU s/M: 0.65, with mimalloc 0.31).  The sanitizers have an allocator of their own.
ifeq ($(filter asan ubsan,$(MODE)),)
$(B)/bin/kstream-cat: LIBS := -lmimalloc $(LIBS)
endif

LIB_C := $(wildcard lib/*.c)
TOOL_C := $(wildcard bin/kstream-*.c)
UNIT_C := $(wildcard tests/unit/*.c)
FUZZ_C := $(wildcard tests/fuzz/*.c)
BENCH_C := $(wildcard tests/bench/*.c)

LIB_O := $(LIB_C:%.c=$(B)/obj/%.o)
TOOLS := $(TOOL_C:bin/%.c=$(B)/bin/%)
UNITS := $(UNIT_C:tests/unit/%.c=$(B)/unit/%)
FUZZERS := $(FUZZ_C:tests/fuzz/%.c=$(B)/fuzz/%)
REPLAYS := $(FUZZ_C:tests/fuzz/%.c=$(B)/replay/%)
MAN := $(wildcard man/*.[1-9])

all: $(B)/libkstream.a $(TOOLS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(KS_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libkstream.a: $(LIB_O)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/bin/%: $(B)/obj/bin/%.o $(B)/libkstream.a
	@mkdir -p $(@D)
	$(CC) $(KS_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/libkstream.a
	@mkdir -p $(@D)
	$(CC) $(KS_LDFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

unit: $(UNITS)

# A fuzz target is built twice: with libFuzzer to search, and plainly to replay its corpus in check.
$(B)/fuzz/%: tests/fuzz/%.c $(LIB_C) $(wildcard lib/*.h tests/fuzz/*.h)
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -I. -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^) $(LIBS)

$(B)/replay/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay/main.o $(B)/libkstream.a
	@mkdir -p $(@D)
	$(CC) $(KS_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Each target for FUZZ_SECONDS from its corpus; a crash stops make and leaves the input in the build directory.
FUZZ_SECONDS ?= 60
fuzz: $(FUZZERS)
	@set -e; for f in $(FUZZERS); do echo "fuzz: $$f, $(FUZZ_SECONDS) s"; \
		mkdir -p $(B)/corpus/$${f##*/}; \
		$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$${f##*/}- \
			$(B)/corpus/$${f##*/} tests/fuzz/corpus/$${f##*/} 2>&1 | tail -n 12; done

# scripts/check is this after installing what it needs.
BROKER_C := $(wildcard tests/broker/*.c)
HELPERS := $(BROKER_C:tests/broker/%.c=$(B)/broker/%) $(B)/fault/refuse.so

# Programs that tests of the real broker use; built of librdkafka alone.
$(B)/broker/%: tests/broker/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -o $@ $< -lrdkafka

# What makes calls of the C library fail (tests/bats/fault.bats), and those of librdkafka.  No sanitizer in it: that of the tools is there already.
$(B)/fault/%.so: tests/fault/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fPIC -shared -o $@ $<

# What the proof of the language asks: the cases, and programs made at random, against the jq program (tests/expr).
EXPR := $(B)/expr/eval
$(B)/expr/%: $(B)/obj/tests/expr/%.o $(B)/libkstream.a
	@mkdir -p $(@D)
	$(CC) $(KS_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

fuzz-jq: $(EXPR)
	tests/expr/fuzz-jq --pairs 100000 $(EXPR)

# Tools that can be ended at each step of the protocol, and can break its rules (lib/drill.h).
DRILL := $(addprefix build/drill/bin/kstream-,cat window join map reset)
drill-tools:
	$(MAKE) MODE=drill $(DRILL)

# Longer than in check: ROUNDS=5000, say.
ROUNDS ?= 500
drill: all drill-tools $(HELPERS)
	tests/drill/run $(ROUNDS)

# Each call of a life of a state: it dies there, fails, or the power goes.  In check some of them are tried.
state-each: $(addprefix $(B)/unit/state-,kill power)
	for test in $^; do KSTREAM_KILL_EACH=1 $$test || exit; done

# Members of groups, and layouts that change, with state: SECONDS=300, say.
SECONDS ?= 300
soak-groups: all $(HELPERS)
	tests/drill/soak-groups $(SECONDS)

check: all unit drill-tools $(REPLAYS) $(HELPERS) $(B)/fault/fail.so $(EXPR)
	scripts/run-tests

# The same with what else must work: the last Kafka 3, the newest librdkafka, a cluster that loses a leader.  Not in check: each fetches
# something, or takes a while.
KAFKA_39 ?= 3.9.1
check-kafka-39: all $(HELPERS)
	KSTREAM_KAFKA_VERSION=$(KAFKA_39) scripts/run-tests tests/broker/*.bats

check-librdkafka-new: all $(HELPERS)
	libs=$$(scripts/librdkafka-new) && LD_LIBRARY_PATH=$$libs scripts/run-tests tests/bats/cat.bats tests/bats/config.bats tests/broker/*.bats

check-cluster: all $(HELPERS)
	scripts/run-tests tests/cluster/*.bats

# New random cases through Kafka Streams (Java, from Maven: tests/oracle) and through the tools: results must be the same.
SEED ?= 1
CASES ?= 500
KINDS ?= $(shell tests/conformance/mapping.py)
oracle: all
	tests/oracle/oracle $(SEED) $(CASES) $(KINDS) >$(B)/oracle.jsonl
	PATH=$(CURDIR)/$(B)/bin:$$PATH tests/conformance/run.py $(B)/oracle.jsonl

$(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -o $@ $< -lm

bench: all $(BENCH_C:tests/bench/%.c=$(B)/bench/%)
	scripts/bench

# Warnings are errors here and nowhere else.
lint:
	$(MAKE) MODE=$(MODE) CFLAGS='$(CFLAGS) -Werror' B=$(B)/lint all unit
	scripts/check-floors
	scripts/check-man

man: $(MAN)
	mandoc -Tlint -Wstyle $(MAN)

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR)/kstream
	install -m 755 $(TOOLS) $(DESTDIR)$(BINDIR)
	install -m 644 $(B)/libkstream.a $(DESTDIR)$(LIBDIR)
	install -m 644 $(wildcard lib/*.h) $(DESTDIR)$(INCLUDEDIR)/kstream
	for m in $(MAN); do s=$${m##*.}; install -d $(DESTDIR)$(MANDIR)/man$$s && \
		install -m 644 $$m $(DESTDIR)$(MANDIR)/man$$s; done

uninstall:
	rm -f $(TOOL_C:bin/%.c=$(DESTDIR)$(BINDIR)/%) $(DESTDIR)$(LIBDIR)/libkstream.a
	for m in $(MAN); do rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	rm -rf $(DESTDIR)$(INCLUDEDIR)/kstream

clean:
	rm -rf build

.PHONY: all unit drill drill-tools soak-groups state-each fuzz fuzz-jq oracle check check-kafka-39 check-librdkafka-new check-cluster bench lint man install uninstall clean
.SECONDARY:

-include $(LIB_O:.o=.d) $(patsubst %.c,$(B)/obj/%.d,$(TOOL_C) $(UNIT_C) $(FUZZ_C) tests/fuzz/replay/main.c tests/expr/eval.c)
