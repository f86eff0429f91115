/* SPDX-License-Identifier: MIT */
/*
 * simdjson - JSON lines to frames by simdjson, the fastest JSON parser in
 * public: what kstream-cat is measured against.
 *
 *	simdjson ondemand|dom|many FILE >frames
 *
 * ondemand and dom hand over one line at a time, in place, as a filter that
 * must name the bad line would; many gives whole buffers to iterate_many,
 * which finds the documents itself.  scripts/bench takes the best of the
 * first two.  Build it for the machine it runs on (-march=native): On
 * Demand is compiled for one instruction set.
 */
#include <simdjson.h>

#include "pack.h"

using namespace simdjson;

#define NAME_OF(x) #x
#define NAME(x) NAME_OF(x)

static void check(error_code e)
{
	if (e) {
		fprintf(stderr, "simdjson: %s\n", error_message(e));
		exit(65);
	}
}

template <typename V> static void pack_ondemand(struct pack *k, V &&v)
{
	ondemand::json_type type;
	uint32_t count = 0;
	size_t at;

	check(v.type().get(type));
	switch (type) {
	case ondemand::json_type::object: {
		ondemand::object object;

		check(v.get_object().get(object));
		at = pack_open(k);
		for (auto item : object) {
			ondemand::field field;
			std::string_view key;

			check(std::move(item).get(field));
			check(field.unescaped_key().get(key));
			pack_str(k, key.data(), key.size());
			pack_ondemand(k, field.value());
			count++;
		}
		pack_close(k, at, count, 0x80, 0xde);
		break;
	}
	case ondemand::json_type::array: {
		ondemand::array array;

		check(v.get_array().get(array));
		at = pack_open(k);
		for (auto item : array) {
			ondemand::value value;

			check(std::move(item).get(value));
			pack_ondemand(k, value);
			count++;
		}
		pack_close(k, at, count, 0x90, 0xdc);
		break;
	}
	case ondemand::json_type::string: {
		std::string_view s;

		check(v.get_string().get(s));
		pack_str(k, s.data(), s.size());
		break;
	}
	case ondemand::json_type::number: {
		ondemand::number n;

		check(v.get_number().get(n));
		if (n.is_int64())
			pack_int(k, n.get_int64());
		else if (n.is_uint64())
			pack_uint(k, n.get_uint64());
		else
			pack_double(k, n.get_double());
		break;
	}
	case ondemand::json_type::boolean: {
		bool b;

		check(v.get_bool().get(b));
		pack_byte(k, b ? 0xc3 : 0xc2);
		break;
	}
	case ondemand::json_type::null:
		if (!v.is_null())
			check(INCORRECT_TYPE);
		pack_byte(k, 0xc0);
		break;
	}
}

static void pack_dom(struct pack *k, dom::element v)
{
	uint32_t count = 0;
	size_t at;

	switch (v.type()) {
	case dom::element_type::OBJECT: {
		dom::object object = v.get_object().value_unsafe();

		at = pack_open(k);
		for (dom::key_value_pair item : object) {
			pack_str(k, item.key.data(), item.key.size());
			pack_dom(k, item.value);
			count++;
		}
		pack_close(k, at, count, 0x80, 0xde);
		break;
	}
	case dom::element_type::ARRAY: {
		dom::array array = v.get_array().value_unsafe();

		at = pack_open(k);
		for (dom::element item : array) {
			pack_dom(k, item);
			count++;
		}
		pack_close(k, at, count, 0x90, 0xdc);
		break;
	}
	case dom::element_type::STRING: {
		std::string_view s = v.get_string().value_unsafe();

		pack_str(k, s.data(), s.size());
		break;
	}
	case dom::element_type::INT64:
		pack_int(k, v.get_int64().value_unsafe());
		break;
	case dom::element_type::UINT64:
		pack_uint(k, v.get_uint64().value_unsafe());
		break;
	case dom::element_type::DOUBLE:
		pack_double(k, v.get_double().value_unsafe());
		break;
	case dom::element_type::BOOL:
		pack_byte(k, v.get_bool().value_unsafe() ? 0xc3 : 0xc2);
		break;
	case dom::element_type::NULL_VALUE:
		pack_byte(k, 0xc0);
		break;
	}
}

/* Calls convert(line, length, room behind it) for each line of the input. */
template <typename F> static void lines(struct input *in, struct pack *k, F convert)
{
	const unsigned char *p, *end, *eol;

	input_more(in, in->base);
	for (;;) {
		p = in->base;
		end = p + in->n;
		while (p < end && (eol = (const unsigned char *)memchr(p, '\n', (size_t)(end - p)))) {
			pack_room(k, (size_t)(eol - p));
			frame_open(k);
			convert(p, (size_t)(eol - p), (size_t)(end - p) + PACK_PAD);
			frame_close(k);
			p = eol + 1;
		}
		if (!input_more(in, p))
			break;
	}
	if (in->n)
		pack_die("cut line at the end of", "input");
}

static void by_ondemand(struct input *in, struct pack *k)
{
	ondemand::parser parser;

	lines(in, k, [&](const unsigned char *p, size_t n, size_t room) {
		ondemand::document doc;

		check(parser.iterate(padded_string_view(p, n, room)).get(doc));
		pack_ondemand(k, doc);
		if (doc.current_location().error() != OUT_OF_BOUNDS)
			check(TRAILING_CONTENT);
	});
}

static void by_dom(struct input *in, struct pack *k)
{
	dom::parser parser;

	lines(in, k, [&](const unsigned char *p, size_t n, size_t) {
		dom::element doc;

		check(parser.parse(p, n, false).get(doc));
		pack_dom(k, doc);
	});
}

static void by_many(struct input *in, struct pack *k)
{
	ondemand::parser parser;
	const unsigned char *rest = in->base;

	while (input_more(in, rest)) {
		ondemand::document_stream docs;

		rest = (const unsigned char *)memrchr(in->base, '\n', in->n);
		rest = rest ? rest + 1 : in->base;
		if (rest == in->base)
			continue;
		check(parser.iterate_many(in->base, (size_t)(rest - in->base), in->n + PACK_PAD).get(docs));
		for (auto i = docs.begin(); i != docs.end(); ++i) {
			ondemand::document_reference doc;

			check((*i).get(doc));
			pack_room(k, i.source().size());
			frame_open(k);
			pack_ondemand(k, doc);
			frame_close(k);
		}
	}
	if (in->n)
		pack_die("cut line at the end of", "input");
}

int main(int argc, char *argv[])
{
	struct pack k = {};
	struct input in;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("simdjson %d.%d.%d (%s)\n", SIMDJSON_VERSION_MAJOR, SIMDJSON_VERSION_MINOR,
		       SIMDJSON_VERSION_REVISION, NAME(SIMDJSON_BUILTIN_IMPLEMENTATION));
		return 0;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: simdjson ondemand|dom|many FILE\n");
		return 64;
	}
	input_open(&in, argv[2]);
	if (!strcmp(argv[1], "ondemand"))
		by_ondemand(&in, &k);
	else if (!strcmp(argv[1], "dom"))
		by_dom(&in, &k);
	else if (!strcmp(argv[1], "many"))
		by_many(&in, &k);
	else
		return 64;
	pack_flush(&k);
	return 0;
}
