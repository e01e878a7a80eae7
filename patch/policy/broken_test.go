package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// brokenPolicies are policies with one mistake each, and what is said about it.
func brokenPolicies() map[string]struct{ text, want string } {
	in := func(text, want string) struct{ text, want string } {
		return struct{ text, want string }{systemPolicy(text), want}
	}
	value := func(fields, want string) struct{ text, want string } {
		return in("values:\n  - {key: A, name: n, "+fields+"}\n", want)
	}
	return map[string]struct{ text, want string }{
		"empty":                  {"", "line 1, column 1: the policy is empty"},
		"comments alone":         {"# nothing\n", "line 1, column 1: the policy is empty"},
		"nothing":                {"---\n", "line 2, column 1: policy: want a mapping, got nothing"},
		"text":                   {"hello", `line 1, column 1: policy: want a mapping, got the text "hello"`},
		"two documents":          {"version: 1\n---\nversion: 1\n", "line 2, column 1: a second document begins here: a policy is one"},
		"no UTF-8":               {"version: 1\n# \xe9\n", "line 2, column 3: the policy is not text in UTF-8: byte 0xe9"},
		"control character":      {"version: 1\nhives: \x01\n", "line 2, column 8: the control character U+0001 cannot stand in YAML"},
		"tabulator as indent":    {"version: 1\nhives:\n\tSYSTEM: {}\n", "line 3, column 1: found character that cannot start any token while scanning for the next token"},
		"open bracket":           {"version: 1\nhives: {SYSTEM: {keys: [a}}\n", "line 2, column 26: did not find expected ',' or ']' while parsing a flow sequence that begins at line 2, column 24"},
		"unknown reference":      {"version: 1\nhives: *a\n", "line 2, column 8: unknown anchor 'a' referenced"},
		"escape in double quote": in("keys: [\"A\\Control\"]\n", "line 4, column 14: found unknown escape character while scanning a quoted scalar that begins at line 4, column 12"),

		"no version":                 {"hives: {BCD: {keys: [a]}}\n", "line 1, column 1: policy: no version, want version: 1"},
		"version of another format":  {"version: 2\nhives: {BCD: {keys: [a]}}\n", "line 1, column 10: version 2 is not known here, want 1"},
		"version as text":            {"version: '1'\n", `line 1, column 10: version: want a number from 0 to 4294967295, decimal or behind 0x, got the text "1"`},
		"no hive":                    {"version: 1\n", "line 1, column 1: policy: it names no hive, under hives or users"},
		"unknown field of all":       {"version: 1\nhive: {}\n", `line 2, column 1: policy: unknown field "hive", want version, hives, users`},
		"unknown hive":               {"version: 1\nhives:\n  SYSTME: {}\n", `line 3, column 3: hives: unknown field "SYSTME", want SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT, COMPONENTS, BCD`},
		"hive of users among hives":  {"version: 1\nhives:\n  NTUSER.DAT: {}\n", `line 3, column 3: hives: unknown field "NTUSER.DAT", want SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT, COMPONENTS, BCD`},
		"name of a user with a path": {"version: 1\nusers:\n  a\\b: {}\n", `line 3, column 3: users: "a\\b" is no name of a user: want the name of the folder in Users, or "*" for every other user`},
		"user twice":                 {"version: 1\nusers:\n  a: {NTUSER.DAT: {keys: [x]}}\n  A: {NTUSER.DAT: {keys: [x]}}\n", `line 4, column 3: users: field "A" comes twice, first at line 3, column 3`},
		"field twice":                in("keys: [a]\nkeys: [b]\n", `line 5, column 5: SYSTEM: field "keys" comes twice, first at line 4, column 5`),
		"merge":                      in("<<: {keys: [a]}\n", `line 4, column 5: SYSTEM: unknown field "<<", want keys, values, absent_keys, absent_values, control_set, desktop_heap`),
		"merge of users":             {"version: 1\nusers:\n  <<: {NTUSER.DAT: {keys: [a]}}\n", `line 3, column 3: users: "<<" merges another mapping, which a policy cannot have`},
		"merge in name of a hive":    {"version: 1\nhives:\n  !!merge BCD: {keys: [a]}\n", `line 3, column 3: hives: "BCD" merges another mapping, which a policy cannot have`},
		"number as name of a field":  in("5: [a]\n", "line 4, column 5: SYSTEM: the name of a field is text, not the number 5"),
		"list as name of a field":    in("? [a]\n: b\n", "line 4, column 7: SYSTEM: the name of a field is text, not a list"),
		"unknown field of a hive":    in("vales: []\n", `line 4, column 5: SYSTEM: unknown field "vales", want keys, values, absent_keys, absent_values, control_set, desktop_heap`),
		"control sets in SOFTWARE":   {"version: 1\nhives:\n  SOFTWARE: {control_set: all}\n", `line 3, column 14: SOFTWARE: unknown field "control_set", want keys, values, absent_keys, absent_values`},
		"nothing about a hive":       {"version: 1\nhives: {SYSTEM: {}}\n", "line 2, column 9: SYSTEM: nothing is wanted of it"},
		"empty list":                 in("keys:\n", "line 4, column 10: keys: want a list, got nothing"),
		"mapping for a list":         in("values: {key: a}\n", "line 4, column 13: values: want a list, got a mapping"),
		"text for a mapping":         in("values: [a]\n", `line 4, column 14: value: want a mapping, got the text "a"`),
		"unknown control set":        in("control_set: curent\n", `line 4, column 18: control_set: want active, current, default, lastknowngood, all, or a number, got the text "curent"`),

		"path with the name of the root": in("keys: ['HKLM\\SYSTEM\\Select']\n", `line 4, column 12: key: paths begin below the root of the hive: Select, not HKEY_LOCAL_MACHINE\SYSTEM\Select`),
		"line break in a path":           in("keys: [\"A\\new\"]\n", `line 4, column 12: key: "A\new" has the control character U+000A; in double quotes \n is a line break, in single quotes it is \n`),
		"number as a path":               in("keys: [5]\n", "line 4, column 12: key: want text, got the number 5, which is text in quotes"),
		"long name of a key":             in("keys: ["+strings.Repeat("a", 256)+"]\n", "line 4, column 12: key: a name of 256 characters, want at most 255"),
		"deep path":                      in("keys: ['"+strings.Repeat(`\a`, 512)+"']\n", "line 4, column 12: key: 512 names, and there are no more than 512 levels of keys"),
		"absent root":                    in("absent_keys: ['\\']\n", "line 4, column 19: the root of a hive, or a control set in use, cannot be absent"),
		"absent control set":             in("absent_keys: [CurrentControlSet]\n", "line 4, column 19: the root of a hive, or a control set in use, cannot be absent"),
		"control set of another key":     in("keys: [{key: Select, control_set: 1}]\n", "line 4, column 26: control_set goes with a key below CurrentControlSet only"),
		"key without a key":              in("keys: [{control_set: 1}]\n", "line 4, column 12: no key"),
		"value without a name":           in("values:\n  - {key: A, type: sz, data: a}\n", `line 5, column 9: value: no name; "" is the default value`),
		"value without a type":           value("data: a", "line 5, column 9: value: no type"),
		"value without data":             value("type: sz", "line 5, column 9: value: want either data or hex"),
		"value with two forms of data":   value("type: sz, data: a, hex: '6100'", "line 5, column 9: value: want either data or hex"),
		"unknown type":                   value("type: dwrod, data: 1", `line 5, column 33: type: unknown type "dwrod", want none, sz, expand_sz, binary, dword, dword_be, link, multi_sz, resource_list, full_resource_descriptor, resource_requirements_list, qword, or a number`),
		"text for a number":              value("type: dword, data: '1'", `line 5, column 46: data: want a number from 0 to 4294967295, decimal or behind 0x, got the text "1"`),
		"too large a number":             value("type: dword, data: 4294967296", "line 5, column 46: data: want a number from 0 to 4294967295, decimal or behind 0x, got the number 4294967296"),
		"too large a long number":        value("type: qword, data: 18446744073709551616", "line 5, column 46: data: want a number from 0 to 18446744073709551615, decimal or behind 0x, got the number 18446744073709551616"),
		"negative number":                value("type: dword, data: -1", "line 5, column 46: data: want a number from 0 to 4294967295, decimal or behind 0x, got the number -1"),
		"octal number":                   value("type: dword, data: 010", "line 5, column 46: data: want a number from 0 to 4294967295, decimal or behind 0x, got the number 010"),
		"number for a text":              value("type: sz, data: 1.5", "line 5, column 43: data: want text, got the number 1.5, which is text in quotes"),
		"truth for a text":               value("type: sz, data: true", "line 5, column 43: data: want text, got true, which is text in quotes"),
		"null for a text":                value("type: sz, data: ", "line 5, column 43: data: want text, got nothing"),
		"text for a list":                value("type: multi_sz, data: a", `line 5, column 49: data: want a list, got the text "a"`),
		"empty text in a list":           value("type: multi_sz, data: [a, '']", "line 5, column 53: data: a list cannot hold an empty text: it would end there"),
		"number for bytes":               value("type: binary, data: 0011", "line 5, column 47: data: want text, got the number 0011, which is text in quotes"),
		"odd digits":                     value("type: binary, data: '001'", `line 5, column 47: data: "001" is not bytes as pairs of hexadecimal digits, such as 00ff10`),
		"a tag of its own":               value("type: binary, data: !!binary AAA=", "line 5, column 47: data: want text, got !!binary"),

		"no size":             in("desktop_heap: {}\n", "line 4, column 5: desktop_heap: neither a size nor repair: true"),
		"two ways":            in("desktop_heap: {preset: stock-x64, interactive: 512}\n", "line 4, column 5: desktop_heap: either preset, or shared_section, or the sizes one by one"),
		"unknown preset":      in("desktop_heap: {preset: more}\n", `line 4, column 28: no preset "more", want one of`),
		"preset with each":    in("desktop_heap: {preset: sql-replication}\n", "line 4, column 28: preset sql-replication adds to a number each time, and so names no state: give the size that is wanted"),
		"size that is none":   in("desktop_heap: {noninteractive: 4 MB}\n", `line 4, column 36: noninteractive: want a number from 0 to 4294967295, decimal or behind 0x, got the text "4 MB"`),
		"sizes that are none": in("desktop_heap: {shared_section: '1024;2048'}\n", `line 4, column 36: shared_section: "1024;2048" is not A,B or A,B,C`),
		"repair by a word":    in("desktop_heap: {repair: yes}\n", `line 4, column 28: repair: want true or false, got the text "yes"`),
	}
}

func TestBrokenPolicies(t *testing.T) {
	for name, c := range brokenPolicies() {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			require.ErrorContains(t, err, c.want)
			require.True(t, strings.HasPrefix(err.Error(), c.want))
			_, positioned := errors.AsType[*Error](err)
			require.True(t, positioned)
		})
	}
}

// Wishes that exclude each other are seen before any hive is.
func TestConflicts(t *testing.T) {
	value := func(key, more string) string { return fmt.Sprintf("  - {key: %s, name: n, %s}\n", key, more) }
	set := func(key string) string { return value(key, "type: dword, data: 1") }
	for name, c := range map[string]struct{ text, want string }{
		"value set and absent": {"values:\n" + set(`A\B`) + "absent_values:\n  - {key: a/b, name: N}\n",
			`line 7, column 9: value N of key a\b is to be absent, but at line 5, column 9 value n of key A\B is set`},
		"value absent and set": {"absent_values:\n  - {key: a/b, name: N}\nvalues:\n" + set(`A\B`),
			`line 7, column 9: value n of key A\B is set, but at line 5, column 9 value N of key a\b is to be absent`},
		"value set twice": {"values:\n" + set("A") + set("a"),
			`line 6, column 9: value n of key a is set, but at line 5, column 9 value n of key A is set`},
		"value below an absent key": {"absent_keys: [A\\B]\nvalues:\n" + set(`A\b\C\D`),
			`line 6, column 9: value n of key A\b\C\D is set, but at line 4, column 19 key A\B is to be absent`},
		"value of an absent key": {"values:\n" + set(`A\B`) + "absent_keys: [A\\B]\n",
			`line 6, column 19: key A\B is to be absent, but at line 5, column 9 value n of key A\B is set`},
		"key present and absent": {"keys: [A]\nabsent_keys: [A]\n",
			`line 5, column 19: key A is to be absent, but at line 4, column 12 key A is to be there`},
		"key below an absent one": {"keys: [A\\B]\nabsent_keys: [A]\n",
			`line 5, column 19: key A is to be absent, but at line 4, column 12 key A\B is to be there`},
		"current and active": {"values:\n" + set("CurrentControlSet\\A") + value("CurrentControlSet\\A", "type: dword, data: 2, control_set: current"),
			`line 6, column 9: value n of key CurrentControlSet\A is set, but at line 5, column 9 value n of key CurrentControlSet\A is set`},
		"a number and the set itself": {"values:\n" + value("CurrentControlSet\\A", "type: dword, data: 2, control_set: 1") + set("ControlSet001\\A"),
			`line 6, column 9: value n of key ControlSet001\A is set, but at line 5, column 9 value n of key CurrentControlSet\A is set`},
		"desktop heap and its value": {"desktop_heap: {noninteractive: 512}\nvalues:\n  - {key: CurrentControlSet\\Control\\Session Manager\\SubSystems, name: Windows, type: sz, data: a}\n",
			`line 6, column 9: value Windows of key CurrentControlSet\Control\Session Manager\SubSystems is set, but at line 4, column 5 desktop_heap sets its numbers`},
		"desktop heap below an absent key": {"desktop_heap: {noninteractive: 512}\nabsent_keys: [CurrentControlSet\\Control]\n",
			`line 5, column 19: key CurrentControlSet\Control is to be absent, but at line 4, column 5 desktop_heap sets its numbers`},
		"Select": {"keys: [CurrentControlSet\\A]\nvalues:\n  - {key: Select, name: Current, type: dword, data: 2}\n",
			"line 6, column 9: the key Select says which control set is meant at line 4, column 12: name control sets by their numbers where it is to change"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(systemPolicy(c.text)))
			require.EqualError(t, err, c.want)
		})
	}
	for name, text := range map[string]string{
		"a name that begins alike":         "absent_keys: [A\\B]\nkeys: [A\\BC]\n",
		"a key above an absent one":        "absent_keys: [A\\B]\nkeys: [A]\n",
		"absent value below an absent key": "absent_keys: [A]\nabsent_values: [{key: A\\B, name: n}]\n",
		"absent key below an absent key":   "absent_keys: [A, A\\B]\n",
		"current and default":              "values:\n" + value("CurrentControlSet\\A", "type: dword, data: 2, control_set: default") + value("CurrentControlSet\\A", "type: dword, data: 1, control_set: current"),
		"Select and numbers":               "control_set: 1\nkeys: [CurrentControlSet\\A]\nvalues:\n  - {key: Select, name: Current, type: dword, data: 2}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(systemPolicy(text)))
			require.NoError(t, err)
		})
	}
}

// Whatever a file holds, the work is bounded.
func TestBoundedWork(t *testing.T) {
	laughs := "version: 1\nx0: &x0 [a,a,a,a,a,a,a,a,a]\n"
	for i := 1; i < 12; i++ {
		laughs += fmt.Sprintf("x%d: &x%d [%s*x%d]\n", i, i, strings.Repeat(fmt.Sprintf("*x%d,", i-1), 9), i-1)
	}
	// References where they may stand: many users, each with the same many keys,
	// and many values with the same data.
	var users, values strings.Builder
	users.WriteString("version: 1\nusers:\n  a: &a\n    NTUSER.DAT: {keys: [" + strings.Repeat("k,", 50000) + "]}\n")
	for i := range 20000 {
		fmt.Fprintf(&users, "  u%d: *a\n", i)
	}
	values.WriteString("version: 1\nhives:\n  BCD:\n    values:\n    - {key: k, name: v, type: sz, data: &d '" + strings.Repeat("d", 200000) + "'}\n")
	for i := range 5000 {
		fmt.Fprintf(&values, "    - {key: k, name: v%d, type: sz, data: *d}\n", i)
	}
	for name, c := range map[string]struct{ text, want string }{
		"billion laughs":        {laughs, `unknown field "x0"`},
		"list in itself":        {"version: 1\nhives: {BCD: {keys: &a [*a]}}\n", "key: want text, got a list"},
		"mapping in itself":     {"version: 1\nhives: &a {BCD: *a}\n", `line 2, column 12: BCD: unknown field "BCD"`},
		"many users":            {users.String(), "references make too much of the policy"},
		"much data":             {values.String(), "references make too much of the policy"},
		"deep lists":            {"version: " + strings.Repeat("[", 100000), "exceeded max depth"},
		"deep mappings":         {strings.Repeat("{a: ", 100000), "exceeded max depth"},
		"deep lists in lines":   {strings.Repeat("- ", 100000), "exceeded max depth"},
		"deep complex keys":     {strings.Repeat("? ", 100000), "exceeded max depth"},
		"deep indents":          {deepIndents(500), "exceeded max depth"},
		"many directives":       {strings.Repeat("%TAG !a! b\n", 1000), "line 1, column 1: a line that begins with % is a directive of YAML"},
		"one byte too large":    {strings.Repeat("#", MaxSize+1), "the policy has more than 524288 bytes"},
		"large and meaningless": {"[" + strings.Repeat("1,", MaxSize/2-2) + "]", "policy: want a mapping, got a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := Parse([]byte(strings.Repeat("#", MaxSize)))
	require.EqualError(t, err, "line 1, column 1: the policy is empty")
}

func deepIndents(levels int) string {
	text := ""
	for i := range levels {
		text += strings.Repeat(" ", i) + "a:\n"
	}
	return text
}
