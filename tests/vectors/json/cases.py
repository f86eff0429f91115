# SPDX-License-Identifier: MIT
"""The accept/reject cases, in the style of JSONTestSuite; make.py stores them.

What a case should come to is said twice: by y or n, which a person wrote, and
by strict.py, which is Python's json.  They must agree.
"""
import documents
import strict

# Vern Paxson, "A Program for Testing IEEE Decimal-Binary Conversion" (1991), tables 1 and 2: 53-bit stress inputs.
PAXSON = """5e+125 69e+267 999e-026 7861e-034 75569e-254 928609e-261 9210917e+080 84863171e+114 653777767e+273 5232604057e-298
27235667517e-109 653532977297e-123 3142213164987e-294 46202199371337e-072 231010996856685e-073 9324754620109615e+212
78459735791271921e+049 272104041512242479e+200 6802601037806061975e+198 20505426358836677347e-221
836168422905420598437e-234 4891559871276714924261e+222
9e-265 85e-037 623e+100 3571e+263 81661e+153 920657e-023 4603285e-024 87575437e-309 245540327e+122 6138508175e+120
83356057653e+193 619534293513e+124 2335141086879e+218 36167929443327e-159 609610927149051e-255 3743626360493413e-165
94080055902682397e-242 899810892172646163e+283 7120190517612959703e+120 25188282901709339043e-252
308984926168550152811e-052 6372891218502368041059e+064""".split()

cases = {}


def case(verdict, name, document):
    if isinstance(document, str):
        document = document.encode("utf-8")
    name = verdict + "_" + name
    assert name not in cases, name
    try:
        out = strict.canonical(strict.parse(document))
        assert verdict == "y", name + ": Python takes it"
    except strict.Reject as error:
        out = None
        assert verdict == "n", "%s: Python: %s" % (name, error)
    cases[name] = (document, out)


def y(name, document):
    case("y", name, document)


def n(name, document):
    case("n", name, document)


def structure():
    for name, document in (
            ("array_empty", "[]"), ("object_empty", "{}"), ("array_one", "[1]"), ("array_two", "[1,2]"), ("array_of_null", "[null]"),
            ("array_of_empty", "[[],{},[],\"\"]"), ("array_mixed", '[1,"a",null,true,false,{"k":[]},-2.5]'), ("object_one", '{"a":1}'),
            ("object_two", '{"a":1,"b":2}'), ("object_order_kept", '{"z":1,"y":2,"x":3,"10":4,"9":5}'), ("object_empty_key", '{"":0}'),
            ("object_empty_key_empty_value", '{"":""}'), ("object_nested", '{"a":{"b":{"c":{}}}}'),
            ("object_of_arrays", '{"a":[],"b":[[]],"c":[{}]}'), ("object_key_with_brackets", '{"[{":"}]","]":"["}'),
            ("object_key_with_colon_and_comma", '{":,":","}'), ("lone_string", '"x"'), ("lone_empty_string", '""'), ("lone_int", "42"),
            ("lone_zero", "0"), ("lone_float", "-0.5"), ("lone_true", "true"), ("lone_false", "false"), ("lone_null", "null"),
            ("string_that_looks_like_json", '"{\\"a\\":[1,2]}"'), ("key_is_number_text", '{"1":1,"1.0":2,"-0":3}'),
            ("keys_differ_in_case", '{"a":1,"A":2}'), ("keys_differ_in_normal_form", '{"é":1,"e\u0301":2}'),
            ("keys_share_prefix", '{"a":1,"ab":2,"abc":3,"":4}'), ("many_siblings", "[" + ",".join("[%d]" % i for i in range(40)) + "]")):
        y("structure_" + name, document)
    for name, document in (
            ("array_trailing_comma", "[1,]"), ("array_leading_comma", "[,1]"), ("array_double_comma", "[1,,2]"), ("array_only_comma", "[,]"),
            ("array_missing_comma", "[1 2]"), ("array_missing_comma_strings", '["a" "b"]'), ("array_missing_comma_arrays", "[[][]]"),
            ("array_semicolon", "[1;2]"), ("array_colon", '["a":1]'), ("array_open", "["), ("array_open_value", "[1"),
            ("array_open_comma", "[1,"), ("array_open_string", '["a"'), ("array_open_inner", "[[1]"), ("array_close_only", "]"),
            ("array_closed_twice", "[1]]"), ("array_closed_by_brace", "[1}"), ("array_bare_word", "[a]"), ("array_star", "[*]"),
            ("array_round", "(1)"), ("array_comma_after", "[1],"), ("array_comma_before", ",[1]"), ("array_ellipsis", "[1,...]"),
            ("array_inner_trailing_comma", "[[1,],2]"), ("array_value_then_colon", "[1:2]"), ("object_trailing_comma", '{"a":1,}'),
            ("object_leading_comma", '{,"a":1}'), ("object_double_comma", '{"a":1,,"b":2}'), ("object_only_comma", "{,}"),
            ("object_missing_comma", '{"a":1 "b":2}'), ("object_missing_colon", '{"a" 1}'), ("object_double_colon", '{"a"::1}'),
            ("object_missing_value", '{"a":}'), ("object_missing_value_comma", '{"a":,"b":1}'), ("object_missing_key", "{:1}"),
            ("object_key_only", '{"a"}'), ("object_key_and_comma", '{"a","b"}'), ("object_comma_for_colon", '{"a",1}'),
            ("object_equals", '{"a"=1}'), ("object_key_unquoted", "{a:1}"), ("object_key_single_quoted", "{'a':1}"),
            ("object_key_number", "{1:1}"), ("object_key_null", "{null:1}"), ("object_key_true", "{true:1}"), ("object_key_array", "{[]:1}"),
            ("object_key_object", "{{}:1}"), ("object_two_keys", '{"a":"b":1}'), ("object_two_values", '{"a":1 2}'), ("object_open", "{"),
            ("object_open_key", '{"a"'), ("object_open_colon", '{"a":'), ("object_open_value", '{"a":1'), ("object_open_comma", '{"a":1,'),
            ("object_open_key_cut", '{"a'), ("object_close_only", "}"), ("object_closed_twice", '{"a":1}}'),
            ("object_closed_by_bracket", '{"a":1]'), ("object_crossed", '{"a":[1}]'), ("object_crossed_other", '[{"a":1]}'),
            ("object_garbage_before_close", '{"a":1 x}'), ("object_value_bare_word", '{"a":b}'), ("two_documents", "1 2"),
            ("two_objects", "{}{}"), ("two_objects_space", '{"a":1} {"b":2}'), ("two_arrays", "[][]"), ("two_strings", '"a""b"'),
            ("two_nulls", "null null"), ("document_comma_document", "1,2"), ("document_colon_document", '"a":1'), ("trailing_letter", "[1]x"),
            ("trailing_hash", "{}#"), ("trailing_quote", '{}"'), ("trailing_comma_space", "{} ,"), ("trailing_comment", "[1] // one"),
            ("trailing_comment_c", "[1] /* one */"), ("comment_before", "/**/1"), ("comment_inside", "[1/**/]"), ("comment_hash", "[1 # one"),
            ("trailing_nul", b"[1]\0"), ("trailing_nul_after_number", b"1\0"), ("trailing_nul_after_string", b'"a"\0'),
            ("trailing_nul_after_literal", b"null\0"), ("leading_nul", b"\0[1]"), ("nul_only", b"\0"), ("nul_for_blank", b"[1,\x002]"),
            ("nul_before_close", b"[1\0]"), ("nul_after_key", b'{"a"\0:1}'), ("nuls_then_garbage", b"[1]\0\0\0x"), ("single_quotes", "'a'"),
            ("backquotes", "`a`"), ("bare_word", "a"), ("bare_escape", "\\n"), ("bare_escape_in_array", "[\\u0031]"), ("colon_only", ":"),
            ("comma_only", ","), ("quote_only", '"'), ("backslash_only", "\\"), ("angle", "<a>"), ("yaml", "a: 1"),
            ("trailing_backslash", "[1]\\"), ("json_sequence", b"\x1e[1]"), ("javascript_parentheses", '({"a":1})'), ("jsonp", "f([1])"),
            ("anti_hijacking", ")]}',[1]"), ("hash_line", "#[1]")):
        n("structure_" + name, document)


def space():
    for name, document in (
            ("leading", " 1"), ("trailing", "1 "), ("both", " [] "), ("leading_tab", "\t1"), ("trailing_tab", "1\t"), ("trailing_cr", "1\r"),
            ("leading_cr", "\r1"), ("around_all", ' { "a" : [ 1 , 2 ] , "b" : { } } '),
            ("tabs_around_all", '\t{\t"a"\t:\t[\t1\t,\t2\t]\t,\t"b"\t:\t{\t}\t}\t'),
            ("mixed_around_all", '\r\t {\r\t "a"\t\r : \t[ \r]\t\t}\r\r'), ("in_empty_array", "[ \t\r ]"), ("in_empty_object", "{ \t\r }"),
            ("after_literal", "[true ,false\t,null\r]"), ("after_number", "[0 ,-1\t,1.5\r,1e2 ]"), ("kept_in_string", '" a  b "'),
            ("kept_in_key", '{" a ":1}'), ("object_cr_at_end", '{"a":1}\r')):
        y("space_" + name, document)
    for count in (7, 8, 15, 16, 17, 31, 32, 33, 64, 100):
        y("space_run_%03d" % count, "[" + " " * count + "1" + "\t" * count + "," + " \t" * (count // 2) + "2" + " " * count + "]" + " " * count)
    for name, document in (
            ("lf_between", '[1,\n2]'), ("lf_leading", "\n1"), ("lf_trailing", "1\n"), ("crlf_trailing", "1\r\n"),
            ("lf_everywhere", '\n{\n"a"\n:\n1\n,\n"b"\n:\n[\n]\n}\n'), ("pretty_printed", '{\n    "a": 1,\n    "b": [\n        true\n    ]\n}'),
            ("crlf_pretty_printed", '{\r\n  "a": 1\r\n}\r\n')):
        y("space_" + name, document)
    for name, document in (
            ("form_feed", "[\f1]"), ("vertical_tab", "[\v1]"), ("backspace", "[\b1]"), ("us", b"[\x1f1]"), ("del", b"[\x7f1]"),
            ("nbsp", "[\u00a01]"), ("nel", "[\u00851]"), ("nel_raw", b"[\x851]"), ("nbsp_raw", b"[\xa01]"), ("en_space", "[\u20021]"),
            ("zero_width", "[\u200b1]"), ("line_separator", "[1]\u2028"), ("word_joiner", "[\u20601]"), ("ideographic", "\u30001"),
            ("feff_inside", "[\ufeff1]"), ("feff_trailing", "1\ufeff"), ("trailing_form_feed", "1\f"), ("leading_form_feed", "\f1"),
            ("only_form_feed", "\f"), ("in_literal", "tr ue"), ("in_number", "1 0"), ("after_minus", "- 1"), ("before_fraction", "1 .5"),
            ("after_point", "1. 5"), ("before_exponent", "1 e5"), ("after_e", "1e 5"), ("after_exponent_sign", "1e+ 5"), ("escaped", "[\\t1]"),
            ("two_lines", "1\n2"), ("lf_in_string", '"a\nb"'), ("lf_in_literal", "nu\nll"), ("lf_in_number", "1\n0"), ("lf_in_key", '{"a\n":1}'),
            ("lf_after_backslash", '"a\\\nb"')):
        n("space_" + name, document)
    # No value at all.  As lines these are "no line" and blank lines, so only the codec itself is asked.
    for name, document in (("empty", ""), ("only_blank", " "), ("only_tab", "\t"), ("only_cr", "\r"), ("only_lf", "\n"),
            ("only_crlf", "\r\n"),
                           ("only_blanks", " \t \r "), ("only_many_blanks", " " * 40)):
        n("space_" + name, document)


def number():
    for literal in """0 -0 1 -1 9 10 -10 99 100 127 128 129 255 256 257 32767 32768 65535 65536 65537 2147483647 2147483648 4294967295 4294967296
            -31 -32 -33 -34 -127 -128 -129 -130 -255 -256 -32767 -32768 -32769 -65536 -2147483647 -2147483648 -2147483649 -4294967296
            9007199254740991 9007199254740992 9007199254740993 -9007199254740991 -9007199254740992 -9007199254740993 9007199254740995 99999999
            100000000 999999999999999 9999999999999999 99999999999999999 999999999999999999 1000000000000000000 9999999999999999999
            10000000000000000000 9223372036854775806 9223372036854775807 9223372036854775808 9223372036854775809 -9223372036854775807
            -9223372036854775808 -9223372036854775809 -9223372036854775810 18446744073709551614 18446744073709551615 18446744073709551616
            18446744073709551617 -18446744073709551615 -18446744073709551616 -18446744073709551617 18446744073709551620 20000000000000000000
            99999999999999999999 100000000000000000000 -99999999999999999999 184467440737095516150 36893488147419103232
            123456789012345678901234567890 -123456789012345678901234567890 12345678901234567890 1234567890123456789""".split():
        y("number_int_" + literal, literal)
    y("number_int_100_digits", "1" + "0" * 99)
    y("number_int_309_digits", "1" + "0" * 308)
    y("number_int_309_digits_negative", "-1" + "7" * 308)
    y("number_int_largest_double", str((1 << 1024) - (1 << 971)))
    y("number_int_just_below_overflow", str((1 << 1024) - (1 << 970) - 1))
    y("number_int_many_in_array", "[" + ",".join(str(v) for v in documents.EDGES) + "]")
    for literal in """0.0 -0.0 0.00 0e0 0E0 0e+0 0e-0 -0e0 -0e-1 -0.0e0 0.0e10 -0E+1 0e999999999999 0.0e-999999999999 1.0 -1.0 1.00 10.0 100.0 1.50
            0.5 -0.5 1e0 1E0 1e1 1E1 1e+1 1e-1 1E-1 1E+1 1e00 1e01 1e+01 1e-01 1e0000000000000000000002 1e-0000000000000000000002 1.5e3 1.5E3
            -1.5e-3 12e0 100e-2 0.1 0.2 0.3 0.7 1.1 2.2 3.3 4.35 0.01 0.001 0.0001 0.00011 0.00001 0.000099 0.0000999999 1e-4 1e-5 9.999e-5 0.000001
            1e-6 1e-7 -1e-7 1.5e-7 1e14 1e15 1e16 1e17 9e15 9.9e15 9999999999999998.0 9999999999999999.0 10000000000000000.0 12345678901234567.0
            123456789012345.0 1234567890123456.0 12345678901234568.0 123456789012345678.0 -1e16 -1e15 100000000000000000000.0 1e20 1e21 1e22 1e23
            1e24 -1e22 1e99 1e100 1e-99 1e-100 1.5e100 8.41e21 9.5367431640625e-7 6.02214076e23 6.62607015e-34 123456.789e3 1234.5678
            0.1234567890123456789 3.141592653589793 3.14159265358979323846264338327950288 2.718281828459045 0.30000000000000004 0.30000000000000002
            0.299999999999999999 100.01 99.995 1.005 1.015 1.025 9007199254740992.0 9007199254740993.0 9007199254740993.00000000000000000001
            9007199254740994.0 9007199254740995.0 9007199254740997.0 9007199254740993e0 90071992547409930e-1 9007199254740991.5 4503599627370496.5
            4503599627370497.5 4503599627370497.25 18446744073709551615.0 18446744073709551616.0 9223372036854775807.0 9223372036854775808.0
            -9223372036854775808.0 9223372036854775807e0 18014398509481985.0 36028797018963969.0 18014398509481989.0 1.7976931348623157e308
            1.7976931348623157E+308 -1.7976931348623157e308 1.7976931348623158e308 17976931348623157e292 0.17976931348623157e309
            1.797693134862315e308 8.98846567431158e307 1e308 9.99e307 5e-324 -5e-324 4.9e-324 4.9406564584124654e-324 3e-324 2.5e-324
            2.4703282292062327e-324 2.4703282292062328e-324 2.47e-324 7.4109846876186982e-324 7.4e-324 1e-323 1.5e-323 2e-323 1e-320 1.2345e-310
            2.2250738585072014e-308 2.2250738585072011e-308 2.2250738585072012e-308 2.225073858507201e-308 2.2250738585072009e-308
            2.2250738585072e-308 1e-307 1e-308 1e-309 1e-322 1e-324 -1e-324 1e-325 1e-400 -1e-400 1e-999999999999 1e-2147483648 1e-2147483649
            1e-4294967297 1e-9223372036854775809 1e-18446744073709551617 0.1e-400 6.9294956446009195e15 3.7455744005952583e15 5.0e-324 1.0e+308
            1.23456789e8 1.23456789e-8 123456789e-20 1e-10 33e-2 1.17549435e-38 3.4028234664e38 16777217.0 16777216.0 0.1e1 0.01e2 0.001e3 1000e-3
            12.5e1 1.25e2 125.0 1e5 1.0e5 1234567890.0987654321 999999999999999.9 99999999999999.99 0.99999999999999999
            0.9999999999999999""".split():
        y("number_float_" + literal, literal)
    for literal in PAXSON:
        y("number_paxson_" + literal, literal)
    # Ties go to even; a digit beyond the 800th still breaks one.
    for name, literal in (
            ("one_and_half_ulp", "1.00000000000000011102230246251565404236316680908203125"),
            ("one_and_half_ulp_less", "1.00000000000000011102230246251565404236316680908203124"),
            ("one_and_half_ulp_more", "1.00000000000000011102230246251565404236316680908203126"),
            ("one_and_3_half_ulp", "1.00000000000000033306690738754696212708950042724609375"),
            ("one_and_3_half_ulp_less", "1.00000000000000033306690738754696212708950042724609374"),
            ("below_one_half_ulp", "0.99999999999999994448884876874217297881841659545898437500"),
            ("sticky_zeros", "1.00000000000000011102230246251565404236316680908203125" + "0" * 800),
            ("sticky_one", "1.00000000000000011102230246251565404236316680908203125" + "0" * 800 + "1"),
            ("int_sticky_one", "9007199254740993" + "0" * 200 + "1e-201"), ("smallest_half", "2." + str(5 ** 1075)[1:] + "e-324"),
            ("smallest_half_more", "2." + str(5 ** 1075)[1:] + "1e-324"), ("smallest_half_less", "2." + str(5 ** 1075 - 1)[1:] + "e-324"),
            ("largest_half_less", str((1 << 1024) - (1 << 970) - 1) + ".9"), ("largest_half_less_point", str((1 << 1024) - (1 << 970) - 1) + ".0")):
        y("number_tie_" + name, literal)
    for name, literal in (
            ("zeros_after_point", "0." + "0" * 400 + "1e401"), ("zeros_before_point", "1" + "0" * 400 + "e-400"),
            ("zeros_before_point_fraction", "1" + "0" * 400 + ".5e-400"), ("zeros_after_one", "1." + "0" * 400), ("zeros_all", "0." + "0" * 400),
            ("zeros_all_negative", "-0." + "0" * 400), ("nines", "0." + "9" * 400), ("threes", "0." + "3" * 400),
            ("digits_and_exponent", "1234567890" * 40 + "e-390"), ("exponent_zeros", "1e" + "0" * 400 + "5"),
            ("underflow_digits", "0." + "0" * 400 + "1"), ("underflow_huge_exponent", "1e-" + "9" * 400), ("zero_huge_exponent", "0e" + "9" * 400)):
        y("number_long_" + name, literal)
    for digits in range(15, 24):
        y("number_digits_%d" % digits, "[%s,%s.5,0.%s,%se-3]" % ((("1234567898765432123456789"[:digits]),) * 4))
    for name, document in (("in_array", "[-0,0,0.0,-0.0,1e2,-1E-2]"),
            ("in_object", '{"a":-0,"b":1.0,"c":1e16,"d":18446744073709551616}'), ("before_brace", '{"a":1}'),
            ("before_comma", "[1.5,2]")):
        y("number_" + name, document)
    for name, literal in (
            ("leading_zero", "01"), ("leading_zeros", "007"), ("double_zero", "00"), ("minus_leading_zero", "-01"), ("minus_double_zero", "-00"),
            ("leading_zero_fraction", "01.5"), ("leading_zero_exponent", "01e1"), ("plus", "+1"), ("plus_zero", "+0"), ("plus_fraction", "+1.5"),
            ("plus_plus", "++1"), ("minus_plus", "-+1"), ("plus_minus", "+-1"), ("minus", "-"), ("minus_minus", "--1"), ("minus_letter", "-a"),
            ("minus_space", "- 1"), ("minus_point", "-.5"), ("minus_e", "-e1"), ("minus_trailing", "1-"), ("minus_string", '-"1"'),
            ("minus_array", "-[]"), ("minus_true", "-true"), ("unicode_minus", "\u22121"), ("point_first", ".5"), ("point_last", "5."),
            ("point_last_minus", "-2."), ("point_only", "."), ("point_exponent", "5.e1"), ("point_plus_exponent", "2.e+3"),
            ("point_first_exponent", ".5e1"), ("points", "1.2.3"), ("points_adjacent", "1..2"), ("point_minus", "1.-5"), ("comma_decimal", "1,5"),
            ("e_last", "1e"), ("e_last_upper", "1E"), ("e_plus", "1e+"), ("e_minus", "1e-"), ("e_upper_plus", "1E+"), ("e_upper_minus", "1E-"),
            ("e_zero_last", "0e"), ("e_zero_plus", "0E+"), ("e_fraction_last", "1.0e"), ("e_fraction_plus", "0.3e+"),
            ("e_fraction_minus", "1.0e-"), ("e_only", "e1"), ("e_e", "1ee2"), ("e_E", "1eE2"), ("e_plus_minus", "1e+-5"), ("e_point", "1e.5"),
            ("e_fraction", "1e1.5"), ("e_letter", "1ea"), ("e_twice", "1e1e1"), ("e_leading_point", "1.e1"), ("p_exponent", "1p3"),
            ("hex", "0x10"), ("hex_upper", "0X1F"), ("hex_no_prefix", "1F"), ("hex_float", "0x1.8p1"), ("octal", "0o7"), ("binary", "0b1"),
            ("underscore", "1_000"), ("quote_separator", "1'000"), ("thousands", "1,000"), ("suffix_f", "1.0f"), ("suffix_d", "1d"),
            ("suffix_l", "1L"), ("suffix_n", "1n"), ("suffix_u", "1u"), ("suffix_percent", "1%"), ("suffix_k", "1k"), ("letter_after", "1a"),
            ("expression", "1+2"), ("expression_minus", "1-2"), ("expression_times", "1*2"), ("fraction_slash", "1/2"), ("nan", "NaN"),
            ("nan_lower", "nan"), ("nan_minus", "-NaN"), ("infinity", "Infinity"), ("infinity_minus", "-Infinity"),
            ("infinity_plus", "+Infinity"), ("inf", "inf"), ("inf_upper", "Inf"), ("inf_minus", "-inf"), ("infinity_sign", "\u221e"),
            ("one_point_inf", "1.#INF"), ("nan_payload", "NaN(1)"), ("fullwidth_digit", "\uff11"), ("fullwidth_after", "1\uff12"),
            ("arabic_digit", "\u0661"), ("arabic_fraction", "1.\u0662"), ("devanagari_exponent", "1e\u0968"), ("superscript", "1\u00b2"),
            ("vulgar_half", "\u00bd"), ("digit_then_latin1", b"1\xb2"), ("digit_then_quote", '1"'), ("digit_then_brace", "1}"),
            ("digit_then_bracket", "1]"), ("digit_then_colon", "1:"), ("digit_then_nul", b"1\x002"), ("zero_then_letter", "0x"),
            ("currency", "$1"), ("overflow_309", "1e309"), ("overflow_309_minus", "-1e309"), ("overflow_400", "1e400"),
            ("overflow_400_minus", "-1e400"), ("overflow_upper", "1E400"), ("overflow_plus", "1e+400"), ("overflow_fraction", "1.5e400"),
            ("overflow_1_8", "1.8e308"), ("overflow_just", "1.7976931348623159e308"), ("overflow_half", str((1 << 1024) - (1 << 970)) + ".0"),
            ("overflow_half_int", str((1 << 1024) - (1 << 970))), ("overflow_int_310_digits", "1" + "0" * 309),
            ("overflow_int_310_minus", "-1" + "0" * 309), ("overflow_int_400_digits", "9" * 400), ("overflow_int_2000_digits", "7" * 2000),
            ("overflow_small_mantissa", "0.0001e400"), ("overflow_exponent_int32", "1e2147483648"),
            ("overflow_exponent_int32_wrap", "1e4294967297"), ("overflow_exponent_int64", "1e9223372036854775808"),
            ("overflow_exponent_int64_wrap", "1e18446744073709551617"), ("overflow_exponent_long", "1e" + "9" * 400)):
        n("number_" + name, literal)
    for name, literal in (("leading_zero", "01"), ("plus", "+1"), ("point_first", ".5"), ("point_last", "5."), ("e_last", "1e"),
            ("e_plus", "1e+"), ("minus", "-"), ("hex", "0x1"), ("nan", "NaN"), ("overflow", "1e400")):
        n("number_in_array_" + name, "[%s]" % literal)
        n("number_in_object_" + name, '{"a":%s,"b":1}' % literal)


def literals():
    for word in ("true", "false", "null"):
        y("literal_" + word + "_in_array", "[%s]" % word)
        y("literal_" + word + "_in_object", '{"%s":%s}' % (word, word))
        for cut in range(1, len(word)):
            n("literal_%s_cut_%d" % (word, cut), word[:cut])
            n("literal_%s_cut_%d_in_array" % (word, cut), "[%s]" % word[:cut])
            n("literal_%s_cut_%d_then_nul" % (word, cut), word[:cut].encode() + b"\0")
        for name, text in (("upper", word.upper()), ("title", word.title()), ("doubled", word * 2), ("letter_after", word + "x"),
            ("digit_after", word + "1"), ("last_wrong", word[:-1] + "x"),
                           ("last_upper", word[:-1] + word[-1].upper()), ("first_missing", word[1:]), ("minus", "-" + word),
                           ("quote_after", word + '"'), ("underscore_after", word + "_"),
                           ("high_bit", word[:-1].encode() + bytes([ord(word[-1]) | 0x80]))):
            n("literal_%s_%s" % (word, name), text)
    y("literal_all_in_array", "[true,false,null,null,true]")
    for name, text in (("undefined", "undefined"), ("none", "None"), ("nil", "nil"), ("yes", "yes"), ("trux_long", "truely"),
            ("true_false", "truefalse"), ("nul_byte", b"nu\0l"), ("nan_in_array", "[nan]"), ("key_true", '{"a":true"b":1}')):
        n("literal_" + name, text)


def strings():
    for name, text in (
            ("quote", '\\"'), ("backslash", "\\\\"), ("slash", "\\/"), ("slash_bare", "/"), ("b", "\\b"), ("f", "\\f"), ("n", "\\n"),
            ("r", "\\r"), ("t", "\\t"), ("all_short", '\\"\\\\\\/\\b\\f\\n\\r\\t'), ("u0000", "\\u0000"), ("u0000_inside", "a\\u0000b"),
            ("u0000_twice", "\\u0000\\u0000"), ("u0041", "\\u0041"), ("u00e9", "\\u00e9"), ("u00E9_upper", "\\u00E9"),
            ("u20ac_mixed_case", "\\u20aC"), ("u007f", "\\u007f"), ("u0080", "\\u0080"), ("u07ff", "\\u07ff"), ("u0800", "\\u0800"),
            ("u2028", "\\u2028"), ("ud7ff", "\\ud7ff"), ("ue000", "\\ue000"), ("ufeff", "\\ufeff"), ("ufffd", "\\ufffd"), ("ufffe", "\\ufffe"),
            ("uffff", "\\uffff"), ("ufdd0", "\\ufdd0"), ("u0022", "\\u0022"), ("u005c", "\\u005c"), ("u005c_then_n", "\\u005cn"),
            ("u005c_then_u0041", "\\u005cu0041"), ("u002f", "\\u002F"), ("u000a", "\\u000a"), ("u0020", "\\u0020"),
            ("digits_after", "\\u00e9123"), ("hex_letters_after", "\\u0041bcdef"), ("escaped_backslash_u", "\\\\u0041"),
            ("escaped_backslash_quote", '\\\\\\"'), ("backslashes_8", "\\\\" * 8), ("quotes_8", '\\"' * 8), ("pair", "\\ud83d\\ude00"),
            ("pair_upper", "\\uD83D\\uDE00"), ("pair_mixed", "\\uD83d\\uDe00"), ("pair_first", "\\ud800\\udc00"), ("pair_last", "\\udbff\\udfff"),
            ("pair_twice", "\\ud83d\\ude00\\ud83d\\ude01"), ("pair_nonchar", "\\ud83f\\udffe"), ("pair_then_text", "\\ud834\\udd1ex"),
            ("del_raw", "\x7f"), ("del_between", "a\x7fb"), ("space_only", " "), ("punctuation", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
            ("single_quote", "it's"), ("comment_like", "/* // # */"), ("markup", "<script>&amp;</script>"), ("c1_controls", "\x80\x9f\x85"),
            ("latin", "àéîõü"),
            ("greek_raw", "Ωμέγα"), ("three_bytes", "€漢字"), ("four_bytes", "😀𝄞"), ("mixed_widths", "aé€😀a"),
            ("line_separators_raw", "\u2028\u2029"), ("rtl", "שלום مرحبا"), ("combining", "e\u0301\u200d"),
            ("long_ascii", "abcdefghijklmnopqrstuvwxyz0123456789" * 4), ("long_two_bytes", "é" * 100), ("long_escapes", "\\u00e9" * 50),
            ("long_pairs", "\\ud83d\\ude00" * 30), ("long_newlines", "\\n" * 50), ("long_nuls", "\\u0000" * 40),
            ("alternating", "a\\nb\\tc\\\"d\\\\" * 10)):
        y("string_" + name, '"%s"' % text)
        y("string_key_" + name, '{"%s":"%s"}' % (text, text))
    for code in range(0x20):
        y("string_u%04x" % code + "_as_escape", '["\\u%04x","\\u%04X","x\\u%04xy"]' % (code, code, code))
        if code != 10:
            n("string_control_%02x" % code, b'"a' + bytes([code]) + b'b"')
    n("string_control_tab_in_key", b'{"a\tb":1}')
    n("string_control_cr_in_key", b'{"a\r":1}')
    n("string_control_nul_in_key", b'{"\0":1}')
    n("string_control_nul_only", b'"\0"')
    n("string_control_last", b'"abc\x1f"')
    for char in "0123456789acdeghijklmopqsvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'`[]{}()<>!?#$%&*+,-.:;=@^_|~ \x7f":
        n("string_escape_%02x" % ord(char), '"\\%s"' % char)
    for name, text in (
            ("cr", b"\\\r"), ("tab", b"\\\t"), ("nul", b"\\\0"), ("e9_raw", b"\\\xe9"), ("non_ascii", "\\é".encode()), ("u_empty", b"\\u"),
            ("u_1", b"\\u0"), ("u_2", b"\\u00"), ("u_3", b"\\u004"), ("u_x", b"\\ux041"), ("u_last_g", b"\\u004g"), ("u_first_g", b"\\ug041"),
            ("u_second_G", b"\\u0G41"), ("u_third_g", b"\\u00g1"), ("u_upper", b"\\U0041"), ("u_upper_8", b"\\U0001F600"),
            ("u_brace", b"\\u{41}"), ("u_brace_long", b"\\u{1F600}"), ("u_plus", b"\\u+041"), ("u_minus", b"\\u-041"), ("u_space", b"\\u 041"),
            ("u_space_inside", b"\\u00 1"), ("u_0x", b"\\u0x41"), ("u_underscore", b"\\u0_41"), ("u_at", b"\\u00@1"), ("u_backquote", b"\\u00`1"),
            ("u_slash", b"\\u00/1"), ("u_colon", b"\\u00:1"), ("u_fullwidth", "\\u004\uff11".encode()),
            ("u_arabic", "\\u\u0660\u0660\u0664\u0661".encode()), ("u_high_bit", b"\\u004\xb1"), ("u_escape_inside", b"\\u00\\n1"),
            ("u_nul", b"\\u00\x0041"), ("x41", b"\\x41"), ("octal", b"\\101"), ("three_backslashes", b"\\\\\\x"), ("lone_high", b"\\ud83d"),
            ("lone_high_first", b"\\ud800"), ("lone_high_last", b"\\udbff"), ("lone_low", b"\\ude00"), ("lone_low_first", b"\\udc00"),
            ("lone_low_last", b"\\udfff"), ("lone_high_text", b"\\ud83dabcdef"), ("lone_high_before", b"a\\ud83d"),
            ("lone_low_text", b"\\ude00abcdef"), ("lone_high_upper", b"\\uD83D"), ("lone_high_newline", b"\\ud83d\\n"),
            ("lone_high_quote", b"\\ud83d\\\""), ("lone_high_backslash", b"\\ud83d\\\\ude00"), ("lone_high_bmp", b"\\ud83d\\u0041"),
            ("lone_high_nul", b"\\ud83d\\u0000"), ("high_high", b"\\ud83d\\ud83d"), ("high_high_low", b"\\ud83d\\ud83d\\ude00"),
            ("low_high", b"\\ude00\\ud83d"), ("low_low", b"\\ude00\\ude00"), ("pair_then_high", b"\\ud83d\\ude00\\ud83d"),
            ("pair_then_low", b"\\ud83d\\ude00\\ude00"), ("high_then_raw_low", b"\\ud83d\xed\xb8\x80"), ("high_then_cut", b"\\ud83d\\ude0"),
            ("high_then_u", b"\\ud83d\\u"), ("high_then_bad_hex", b"\\ud83d\\ude0g"), ("high_then_ue000", b"\\ud83d\\ue000"),
            ("high_then_ud7ff", b"\\udbff\\ud7ff"), ("high_then_backslash_U", b"\\ud83d\\Ude00"), ("high_then_raw_emoji", "\\ud83d😀".encode()),
            ("high_then_space_low", b"\\ud83d \\ude00")):
        n("string_" + name, b'"' + text + b'"')
    for name in ("lone_high", "lone_low", "high_high", "u_3", "x41"):
        text = cases["n_string_" + name][0]
        n("string_key_" + name, b"{" + text + b":1}")
        n("string_array_" + name, b"[1," + text + b"]")
    for name, document in (("open", '"abc'), ("open_empty", '"'), ("open_escape", '"abc\\'), ("open_escaped_quote", '"abc\\"'),
            ("open_u", '"abc\\u'), ("open_u_1", '"\\u0'), ("open_u_2", '"\\u00'), ("open_u_3", '"\\u004'),
            ("open_u_4", '"\\u0041'), ("open_high", '"\\ud83d'), ("open_high_backslash", '"\\ud83d\\'),
                           ("open_high_u", '"\\ud83d\\u'), ("open_pair", '"\\ud83d\\ude00'), ("open_then_nul", b'"abc\0'),
                           ("open_then_nuls", b'"abc' + b"\0" * 80), ("open_escape_then_nul", b'"abc\\\0'),
                           ("open_in_array", '["abc]'), ("open_in_object", '{"a":"b}'), ("open_key", '{"a:1}'),
                           ("three_quotes", '"""'), ("quote_inside", '"a"b"'), ("even_backslashes", '"a\\\\"b"'),
                           ("bare", "abc"), ("single", "'abc'"), ("unopened", 'abc"'), ("smart_quotes", "\u201cabc\u201d"),
                           ("concatenated", '"a"+"b"'), ("raw_prefix", 'r"a"'), ("bytes_prefix", 'b"a"')):
        n("string_" + name, document)


def utf8():
    for code in (0x7f, 0x80, 0xa9, 0xff, 0x100, 0x7ff, 0x800, 0xfff, 0x1000, 0x2028, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfdd0, 0xfdef,
                 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0x1fffe, 0x1ffff, 0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10fffd, 0x10fffe, 0x10ffff):
        y("utf8_u%04x" % code, '"a%sb"' % chr(code))
        y("utf8_u%04x_key" % code, '{"%s":"%s"}' % (chr(code), chr(code)))
    y("utf8_all_lead_bytes_2", '"%s"' % "".join(chr(c << 6 | 0x2a) for c in range(2, 32)))
    y("utf8_all_lead_bytes_3", '"%s"' % "".join(chr(c << 12 | 0x82a) for c in range(16) if c != 13) + " ")
    y("utf8_all_lead_bytes_4", '"%s"' % "".join(chr(c << 18 | 0x1082a) for c in range(4)))
    y("utf8_all_continuations", '"%s"' % "".join(chr(0x80 + c) for c in range(64)))
    bad = (
        ("continuation_first", b"\x80"), ("continuation_last", b"\xbf"), ("continuations", b"\x80\x81\x82\x83"),
        ("overlong_slash_2", b"\xc0\xaf"), ("overlong_nul_2", b"\xc0\x80"), ("overlong_quote_2", b"\xc0\xa2"),
        ("overlong_del_2", b"\xc1\xbf"), ("overlong_nul_3", b"\xe0\x80\x80"),
        ("overlong_slash_3", b"\xe0\x80\xaf"), ("overlong_07ff_3", b"\xe0\x9f\xbf"), ("overlong_nul_4", b"\xf0\x80\x80\x80"),
        ("overlong_slash_4", b"\xf0\x80\x80\xaf"), ("overlong_ffff_4", b"\xf0\x8f\xbf\xbf"),
        ("overlong_5", b"\xf8\x80\x80\x80\x80"), ("overlong_6", b"\xfc\x80\x80\x80\x80\x80"),
        ("surrogate_d800", b"\xed\xa0\x80"), ("surrogate_dbff", b"\xed\xaf\xbf"), ("surrogate_dc00", b"\xed\xb0\x80"),
        ("surrogate_dfff", b"\xed\xbf\xbf"), ("surrogate_pair", b"\xed\xa0\xbd\xed\xb8\x80"),
        ("above_10ffff", b"\xf4\x90\x80\x80"), ("above_13ffff", b"\xf4\xbf\xbf\xbf"), ("above_f5", b"\xf5\x80\x80\x80"),
        ("above_f7", b"\xf7\xbf\xbf\xbf"), ("lead_f8", b"\xf8\x88\x80\x80\x80"), ("lead_fb", b"\xfb\xbf\xbf\xbf\xbf"),
        ("lead_fc", b"\xfc\x84\x80\x80\x80\x80"), ("lead_fe", b"\xfe"), ("lead_ff", b"\xff"), ("fe_ff", b"\xfe\xff"),
        ("ff_run", b"\xff" * 16), ("lead_2_alone", b"\xc3"), ("lead_2_then_ascii", b"\xc3x"), ("lead_2_twice", b"\xc3\xc3\xa9"),
        ("lead_3_alone", b"\xe2"), ("lead_3_one", b"\xe2\x82"), ("lead_3_one_ascii", b"\xe2\x82x"),
        ("lead_3_none_ascii", b"\xe2xx"), ("lead_3_middle_ascii", b"\xe2x\xac"), ("lead_3_then_lead", b"\xe2\x82\xe2\x82\xac"),
        ("lead_4_alone", b"\xf0"), ("lead_4_one", b"\xf0\x9f"), ("lead_4_two", b"\xf0\x9f\x98"),
        ("lead_4_two_ascii", b"\xf0\x9f\x98x"), ("lead_4_last_lead", b"\xf0\x9f\x98\xc3\xa9"),
        ("lead_4_middle_ascii", b"\xf0\x9fx\x80"), ("three_then_continuation", b"\xe2\x82\xac\x80"),
        ("two_then_continuation", b"\xc3\xa9\xa9"), ("four_then_continuation", b"\xf0\x9f\x98\x80\x80"), ("latin1", b"caf\xe9"),
        ("latin1_middle", b"caf\xe9 au lait"), ("windows_1252", b"\x93a\x94"),
        ("shift_jis", b"\x93\xfa\x96\x7b"), ("gbk", b"\xc4\xe3\xba\xc3"), ("euc_jp", b"\xc6\xfc\xcb\xdc"),
        ("modified_nul", b"a\xc0\x80b"), ("after_long_ascii", b"x" * 40 + b"\xff"), ("after_valid", "é€😀".encode() + b"\xbf"),
        ("backslash_lead", b"\\\xc3\xa9"), ("lead_eats_quote", b"\xe2\x82"), ("ed_then_valid", b"\xed\xa0"),
        ("f4_one", b"\xf4\x8f"))
    for name, text in bad:
        n("utf8_" + name, b'"' + text + b'"')
        n("utf8_" + name + "_key", b'{"' + text + b'":1}')
        n("utf8_" + name + "_cut", b'["ok","' + text)
    for name, document in (
            ("bom", b"\xef\xbb\xbf1"), ("bom_object", b'\xef\xbb\xbf{"a":1}'), ("bom_only", b"\xef\xbb\xbf"),
            ("bom_twice", b"\xef\xbb\xbf\xef\xbb\xbf1"), ("bom_cut_1", b"\xef1"), ("bom_cut_2", b"\xef\xbb1"),
            ("bom_after_blank", b" \xef\xbb\xbf1"), ("bom_last", b"1\xef\xbb\xbf"), ("bom_utf16_be", b"\xfe\xff\x001"),
            ("bom_utf16_le", b"\xff\xfe1\x00"), ("bom_utf32_le", b"\xff\xfe\0\x001\0\0\0"), ("bom_utf32_be", b"\0\0\xfe\xff\0\0\x001"),
            ("utf16_be", '["é"]'.encode("utf-16-be")), ("utf16_le", '["é"]'.encode("utf-16-le")), ("utf32_be", "[1]".encode("utf-32-be")),
            ("utf32_le", "[1]".encode("utf-32-le")), ("utf7", b"+AFs-1+AF0-"), ("outside_e9", "[é]"), ("outside_e9_raw", b"[\xe9]"),
            ("outside_continuation", b"[1\x80]"), ("outside_ff", b"\xff"), ("outside_letter_after", "1é"), ("outside_comma", "[1\uff0c2]"),
            ("outside_quotes", "[\u201ca\u201d]"), ("outside_brackets", "\uff3b1\uff3d"), ("outside_emoji", "😀"),
            ("outside_after_string", b'"a"\xa9'), ("overlong_bracket", b"\xc1\x9b1]"), ("overlong_quote_outside", b'\xc0\xa2a"'),
            ("replacement_outside", "\ufffd")):
        n("utf8_" + name, document)


def offsets():
    """Strings are scanned in blocks of 16 bytes: what stops a scan stands at every place of the first two blocks."""
    tail = "the rest of the string is longer than one block"
    invalid = (b"\xff", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xc3")
    wrong = (b"\\x", b"\\u12g4", b"\\ud83d", b"\\ ", b"\\\0", b"\\U0041", b"\\ude00")
    for k in range(35):
        head = ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ" * 2)[:k]
        y("offset_quote_%02d" % k, '["%s","%s"]' % (head, tail))
        y("offset_backslash_%02d" % k, '["%s\\\\%s"]' % (head, tail))
        y("offset_escaped_quote_%02d" % k, '["%s\\"%s"]' % (head, tail))
        y("offset_newline_%02d" % k, '["%s\\n%s"]' % (head, tail))
        y("offset_u_%02d" % k, '["%s\\u20ac%s"]' % (head, tail))
        y("offset_u_control_%02d" % k, '["%s\\u001f%s"]' % (head, tail))
        y("offset_pair_%02d" % k, '["%s\\ud83d\\ude00%s"]' % (head, tail))
        y("offset_two_bytes_%02d" % k, '["%sé%s"]' % (head, tail))
        y("offset_three_bytes_%02d" % k, '["%s€%s"]' % (head, tail))
        y("offset_four_bytes_%02d" % k, '["%s😀%s"]' % (head, tail))
        y("offset_del_%02d" % k, '["%s\x7f%s"]' % (head, tail))
        y("offset_last_is_escape_%02d" % k, '["%s\\t"]' % head)
        y("offset_last_is_two_bytes_%02d" % k, '["%sé"]' % head)
        y("offset_key_%02d" % k, '{"%s\\"é":"%s"}' % (head, tail))
        n("offset_control_%02d" % k, ('["%s' % head).encode() + bytes([(0x1f, 0x00, 0x01, 0x09, 0x0d, 0x10)[k % 6]]) + ('%s"]' % tail).encode())
        n("offset_invalid_utf8_%02d" % k, ('["%s' % head).encode() + invalid[k % 7] + ('%s"]' % tail).encode())
        n("offset_invalid_utf8_last_%02d" % k, ('["%s' % head).encode() + invalid[(k + 3) % 7] + b'"]')
        n("offset_wrong_escape_%02d" % k, ('["%s' % head).encode() + wrong[k % 7] + ('%s"]' % tail).encode())
        n("offset_control_in_key_%02d" % k, ('{"%s' % head).encode() + bytes([(0x00, 0x1f, 0x09, 0x1b)[k % 4]]) + ('%s":1}' % tail).encode())
        n("offset_open_%02d" % k, '["%s' % head)
        n("offset_open_escape_%02d" % k, '["%s\\' % head)
        n("offset_open_two_bytes_%02d" % k, ('["%s' % head).encode() + b"\xc3")
        n("offset_garbage_after_%02d" % k, '["%s"x]' % head)


def duplicates():
    for name, document in (
            ("last_wins", '{"a":1,"a":2}'), ("first_position", '{"a":1,"b":2,"a":3}'), ("three", '{"a":1,"a":2,"a":3}'),
            ("same_value", '{"a":1,"a":1}'), ("other_type", '{"a":[1],"a":"x"}'), ("null_last", '{"a":1,"a":null}'),
            ("null_first", '{"a":null,"b":0,"a":1}'), ("empty_key", '{"":1,"x":2,"":3}'), ("by_escape", '{"a":1,"b":2,"\\u0061":3}'),
            ("by_escape_first", '{"\\u0061":1,"b":2,"a":3}'), ("by_slash", '{"/":1,"\\/":2}'),
            ("by_u_and_utf8", '{"é":1,"x":0,"\\u00e9":2,"\\u00E9":3}'), ("by_pair", '{"😀":1,"\\ud83d\\ude00":2}'),
            ("nul_key", '{"\\u0000":1,"":2,"\\u0000":3}'), ("nul_in_key_is_no_end", '{"a\\u0000b":1,"a\\u0000c":2,"a":3}'),
            ("two_names", '{"a":1,"b":2,"a":3,"b":4}'), ("two_names_crossed", '{"a":1,"b":2,"b":3,"a":4,"c":5}'),
            ("nested_inner", '{"o":{"a":1,"a":2}}'), ("nested_outer", '{"o":{"a":1},"p":0,"o":{"b":2}}'),
            ("nested_both", '{"o":{"a":1,"a":2},"o":{"b":1,"c":0,"b":2}}'), ("not_merged", '{"o":{"a":1},"o":{"b":2}}'),
            ("in_array", '[{"a":1,"a":2},{"a":3,"a":4}]'), ("siblings_are_no_duplicates", '[{"a":1},{"a":2}]'),
            ("parent_is_no_duplicate", '{"a":{"a":{"a":1}}}'),
            ("replaced_by_longer", '{"a":1,"b":2,"a":"a much longer value than the one before it","c":3}'),
            ("replaced_by_shorter", '{"a":"a much longer value than the one after it","b":2,"a":1,"c":3}'),
            ("replaced_array", '{"a":[1,2,3],"b":{"c":[4]},"a":[],"b":{}}'), ("prefix_keys", '{"aa":1,"a":2,"aaa":3,"aa":4}'),
            ("same_length_keys", '{"ab":1,"ba":2,"aa":3,"bb":4,"ba":5}'),
            ("long_keys", '{"%s":1,"%s":2,"%s":3}' % ("k" * 40, "k" * 39 + "l", "k" * 40)), ("case_differs", '{"a":1,"A":2,"a":3}'),
            ("float_and_int", '{"a":1.0,"a":1}')):
        y("duplicate_" + name, document)
    # The header of a map counts members, not pairs: these go over a msgpack boundary and come back.
    for count in (16, 17, 32, 33):
        pairs = ['"k%d":%d' % (i, i) for i in range(count - 1)]
        y("duplicate_first_of_%d" % count, "{" + ",".join(pairs + ['"k0":-1']) + "}")
        y("duplicate_middle_of_%d" % count, "{" + ",".join(pairs[:9] + ['"k4":-1'] + pairs[9:]) + "}")
        y("duplicate_last_of_%d" % count, "{" + ",".join(pairs + ['"k%d":-1' % (count - 2)]) + "}")
    y("duplicate_all_alike", "{" + ",".join('"a":%d' % i for i in range(40)) + "}")
    y("duplicate_every_twice", "{" + ",".join('"k%d":%d' % (i % 20, i) for i in range(40)) + "}")
    y("duplicate_reversed", "{" + ",".join('"k%d":%d' % (i, i) for i in list(range(20)) + list(range(19, -1, -1))) + "}")
    # An overwritten value must be valid too.
    for name, document in (("bad_first_surrogate", '{"a":"\\ud83d","a":1}'), ("bad_first_number", '{"a":1e400,"a":1}'),
            ("bad_first_utf8", b'{"a":"\xff","a":1}'), ("bad_first_zero", '{"a":01,"a":1}'), ("bad_last", '{"a":1,"a":}'),
            ("no_comma", '{"a":1"a":2}'),
                           ("bad_inner", '{"a":{"b":nul},"a":1}')):
        n("duplicate_" + name, document)


def depths():
    def arrays(count, core=""):
        return "[" * count + core + "]" * count

    def objects(count, core="0"):
        return '{"a":' * count + core + "}" * count

    def mixed(count, core="0"):
        # Array outside, object inside, in turn.
        head = "".join('{"a":' if i % 2 else "[" for i in range(count))
        return head + core + "".join("}" if i % 2 else "]" for i in reversed(range(count)))

    for count in (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 126, 127, 128):
        y("depth_arrays_%d" % count, arrays(count))
        y("depth_objects_%d" % count, objects(count))
        y("depth_mixed_%d" % count, mixed(count))
    y("depth_arrays_128_with_value", arrays(128, "1"))
    y("depth_arrays_128_with_strings", arrays(128, '"[","]"'))
    y("depth_objects_127_and_empty", objects(127, "{}"))
    y("depth_objects_127_and_empty_array", objects(127, "[]"))
    y("depth_arrays_127_and_siblings", arrays(127, "[],{},[1]"))
    y("depth_128_twice", "[" + arrays(127) + "," + arrays(127) + "]")
    y("depth_128_then_flat", "[" + arrays(127) + ",1,[2]]")
    y("depth_brackets_in_string", '"%s"' % ("[{" * 200))
    y("depth_brackets_in_key", '{"%s":1}' % ("[" * 200))
    y("depth_brackets_after_escaped_quote", '["\\"%s"]' % ("[" * 200))
    y("depth_wide", "[" + ",".join(["[[]]"] * 200) + "]")
    y("depth_wide_objects", "[" + ",".join(['{"a":{}}'] * 200) + "]")
    y("depth_blanks_between", "[ " * 128 + "] " * 128)
    for count in (129, 130, 200, 256, 257, 512, 1000):
        n("depth_arrays_%d" % count, arrays(count))
    for count in (129, 130, 256, 1000):
        n("depth_objects_%d" % count, objects(count))
        n("depth_mixed_%d" % count, mixed(count))
    n("depth_mixed_objects_outside_129", '{"a":' + mixed(128) + "}")
    n("depth_arrays_128_and_object", arrays(128, "{}"))
    n("depth_objects_128_and_array", objects(128, "[]"))
    n("depth_129_after_128", "[" + arrays(127) + "," + arrays(128) + "]")
    n("depth_129_with_siblings", arrays(127, "[],[[]]"))
    n("depth_open_128", "[" * 128)
    n("depth_open_129", "[" * 129)
    n("depth_open_1000", "[" * 1000)
    n("depth_open_objects_128", '{"a":' * 128)
    n("depth_open_objects_1000", '{"a":' * 1000)
    n("depth_128_closed_127_times", "[" * 128 + "]" * 127)
    n("depth_128_closed_129_times", "[" * 128 + "]" * 129)
    n("depth_128_closed_wrong", "[" * 128 + "}" * 128)
    n("depth_mixed_closed_wrong", mixed(20).replace("0}", "0]"))
    n("depth_close_1000", "]" * 1000)
    n("depth_129_blanks_between", "[ " * 129 + "] " * 129)


def limits():
    """msgpack's header sizes: 15/16 members, 31/32 and 255/256 bytes; the 16- and 32-bit ones are made by run.py."""
    for count in (14, 15, 16, 17, 31, 32, 33, 127, 128, 255, 256, 257):
        y("limit_array_%d" % count, "[" + ",".join(str(i) for i in range(count)) + "]")
        y("limit_object_%d" % count, "{" + ",".join('"%x":%d' % (i, i) for i in range(count)) + "}")
        y("limit_string_%d" % count, '["%s",1]' % ("s" * count))
        y("limit_key_%d" % count, '{"%s":1}' % ("k" * count))
        y("limit_string_escaped_%d" % count, '["%s"]' % ("\\u0073" * count))
        y("limit_string_newlines_%d" % count, '["%s"]' % ("\\n" * count))
    for count in (15, 16, 17):
        y("limit_string_two_bytes_%d" % count, '["%s"]' % ("é" * count))
        y("limit_string_two_bytes_and_one_%d" % count, '["%sx"]' % ("é" * count))
        y("limit_string_escaped_two_bytes_%d" % count, '["%s"]' % ("\\u00e9" * count))
        y("limit_array_of_objects_%d" % count, "[" + ",".join(['{"a":[]}'] * count) + "]")
        y("limit_object_of_arrays_%d" % count, "{" + ",".join('"%d":[%d]' % (i, i) for i in range(count)) + "}")
        y("limit_array_in_array_%d" % count, "[" + ",".join(["[" + ",".join("0" * count) + "]"] * count) + "]")
        n("limit_array_%d_open" % count, "[" + ",".join("0" * count))
        n("limit_object_%d_open" % count, "{" + ",".join('"%d":0' % i for i in range(count)))
        n("limit_array_%d_trailing_comma" % count, "[" + "0," * count + "]")
        n("limit_object_%d_trailing_comma" % count, "{" + "".join('"%d":0,' % i for i in range(count)) + "}")
    for count in (7, 8, 42, 43, 63, 64):
        y("limit_string_pairs_%d" % count, '["%s"]' % ("\\ud83d\\ude00" * count))
    for count in (1023, 1024, 4095, 4096):
        y("limit_string_%d" % count, '"%s"' % ("x" * count))
        n("limit_string_%d_open" % count, '"%s' % ("x" * count))


def truncated():
    rich = '{"id":12,"é€":[true,false,null,-1.5e+3,"\\u00e9\\ud83d\\ude00\\n/😀",{"":[]}],"t":{"a\\"b":0.25}} '.encode()
    y("truncated_not_at_all", rich[:-1])
    for cut in range(1, len(rich) - 1):
        n("truncated_%03d" % cut, rich[:cut])
    flat = b'["a\\u0041",tru'
    for cut in range(1, len(flat) + 1):
        n("truncated_array_%02d" % cut, flat[:cut])


def table():
    """Every case: name -> (document, canonical text or None)."""
    if not cases:
        for group in (structure, space, number, literals, strings, utf8, offsets, duplicates, depths, limits, truncated):
            group()
    return cases
