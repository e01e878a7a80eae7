package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// The two values that a third number makes of those in the NT4 sample.
var (
	stockNT4   = hivetest.CommandLine("SharedSection=1024,3072", hivetest.CommandTailNT4)
	changedNT4 = hivetest.CommandLine("SharedSection=1024,3072,512", hivetest.CommandTailNT4)
)

// nt4 returns the NT4 sample, which has the sets 1 and 2, after changes.
func nt4(changes ...func(*hivetest.Hive)) hivetest.Hive {
	literal := hivetest.NT4()
	for _, change := range changes {
		change(&literal)
	}
	return literal
}

func selects(name string, number uint32) func(*hivetest.Hive) {
	return selectsData(name, hivetest.TypeDWORD, hivetest.DWORD(number))
}

func selectsData(name string, kind uint32, data []byte) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) {
		h.Key("Select").SetValue(hivetest.Value{Name: name, Type: kind, Data: data})
	}
}

func selectsNone(name string) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) { h.Key("Select").DeleteValue(name) }
}

func withoutSelect(h *hivetest.Hive) { h.Root.DeleteSubkey("Select") }

func renames(from, to string) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) { h.Key(from).Name = to }
}

func withoutSet(name string) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) { h.Root.DeleteSubkey(name) }
}

// withCopy adds a set that is a copy of the first.
func withCopy(name string) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) {
		set := *h.Key("ControlSet001")
		set.Name = name
		h.Root.Subkeys = append(slices.Clone(h.Root.Subkeys), set)
	}
}

// chosen is what a selection leads to: sets, or a refusal.
type chosen struct {
	sets    string // names of the patched sets in order, joined by blanks
	warning string // part of a warning; empty for none about control sets
	refused string // part of the message
	kind    error  // what a refusal wraps; nil for a RefusedError
}

func sets(names ...string) chosen { return chosen{sets: strings.Join(names, " ")} }

func (c chosen) warns(text string) chosen {
	c.warning = text
	return c
}

func refused(text string) chosen { return chosen{refused: text} }

func notFound(text string) chosen { return chosen{refused: text, kind: hive.ErrNotFound} }

var nonsense = chosen{refused: "want active, current, default, lastknowngood, all or a number", kind: &UsageError{}}

// TestControlSets does the job with selections of control sets in hives whose
// Select key and sets are in every state that is known.
func TestControlSets(t *testing.T) {
	const cs1, cs2 = "ControlSet001", "ControlSet002"
	for _, test := range []struct {
		name string
		hive hivetest.Hive
		want map[string]chosen // by selection
	}{
		{"as installed", nt4(), map[string]chosen{
			"": sets(cs1), SelectActive: sets(cs1), SelectCurrent: sets(cs1), SelectDefault: sets(cs1),
			SelectLastKnownGood: sets(cs2), SelectAll: sets(cs1, cs2),
			"1": sets(cs1), "2": sets(cs2), "002": sets(cs2),
			"0":          notFound("ControlSet000: not found (there are ControlSet001, ControlSet002)"),
			"3":          notFound("ControlSet003: not found (there are ControlSet001, ControlSet002)"),
			"1000":       notFound("ControlSet1000"),
			"4294967295": notFound("ControlSet4294967295"),
			"4294967296": nonsense, "-1": nonsense, "+1": nonsense, "1 ": nonsense, "0x1": nonsense, "1.0": nonsense,
			"Active": nonsense, "ALL": nonsense, "both": nonsense, cs1: nonsense, "CurrentControlSet": nonsense, "failed": nonsense,
		}},
		{"Select missing", nt4(withoutSelect), map[string]chosen{
			"":            refused("which control set is in use is not known"),
			SelectCurrent: refused("(there are ControlSet001, ControlSet002); --control-set NUMBER names the one to patch"),
			SelectDefault: refused("not known"), SelectLastKnownGood: refused("not known"), SelectAll: refused("not known"),
			"1": sets(cs1), "2": sets(cs2), "3": notFound("ControlSet003"), "any": nonsense,
		}},
		{"Select missing and one set", nt4(withoutSelect, withoutSet(cs2)), map[string]chosen{
			"": refused("(the only control set is ControlSet001); --control-set NUMBER"), "1": sets(cs1),
		}},
		{"Current missing", nt4(selectsNone("Current")), map[string]chosen{
			"": refused(`Select\Current cannot be read`), SelectCurrent: refused(`Select\Current cannot be read`),
			SelectAll: refused(`Select\Current cannot be read`), SelectDefault: sets(cs1), SelectLastKnownGood: sets(cs2), "1": sets(cs1),
		}},
		{"Default missing", nt4(selectsNone("Default")), map[string]chosen{
			"": refused(`Select\Default cannot be read`), SelectDefault: refused(`Select\Default cannot be read`),
			SelectAll: refused(`Select\Default cannot be read`), SelectCurrent: sets(cs1), "2": sets(cs2),
		}},
		{"Default missing and one set", nt4(selectsNone("Default"), withoutSet(cs2)), map[string]chosen{
			"": refused("(the only control set is ControlSet001)"), "1": sets(cs1),
		}},
		{"Default is text", nt4(selectsData("Default", hivetest.TypeSZ, hivetest.SZ("1"))), map[string]chosen{
			"": refused(`value Default of key Select is REG_SZ of 4 bytes, want REG_DWORD of 4`), SelectCurrent: sets(cs1),
		}},
		{"Default is binary", nt4(selectsData("Default", hivetest.TypeBinary, hivetest.DWORD(1))), map[string]chosen{
			"": refused("is REG_BINARY of 4 bytes, want REG_DWORD of 4"),
		}},
		{"Default of 2 bytes", nt4(selectsData("Default", hivetest.TypeDWORD, []byte{1, 0})), map[string]chosen{
			"": refused("is REG_DWORD of 2 bytes, want REG_DWORD of 4"), "1": sets(cs1),
		}},
		{"Default of 8 bytes", nt4(selectsData("Default", hivetest.TypeDWORD, hivetest.QWORD(1))), map[string]chosen{
			"": refused("is REG_DWORD of 8 bytes, want REG_DWORD of 4"),
		}},
		{"Current is text", nt4(selectsData("Current", hivetest.TypeSZ, hivetest.SZ("1"))), map[string]chosen{
			"": refused(`Select\Current cannot be read`), SelectDefault: sets(cs1),
		}},
		{"LastKnownGood missing", nt4(selectsNone("LastKnownGood")), map[string]chosen{
			SelectLastKnownGood: refused(`Select\LastKnownGood cannot be read`), SelectAll: sets(cs1), "": sets(cs1),
		}},
		{"LastKnownGood is text", nt4(selectsData("LastKnownGood", hivetest.TypeSZ, hivetest.SZ("2"))), map[string]chosen{
			SelectLastKnownGood: refused("REG_SZ"), SelectAll: refused("REG_SZ"), "": sets(cs1),
		}},
		{"LastKnownGood 0", nt4(selects("LastKnownGood", 0)), map[string]chosen{
			SelectLastKnownGood: refused("it is 0, which names no control set"), SelectAll: sets(cs1),
		}},
		{"LastKnownGood without its set", nt4(selects("LastKnownGood", 3)), map[string]chosen{
			SelectLastKnownGood: refused(`Select\LastKnownGood is 3, but there is no such control set (there are ControlSet001, ControlSet002)`),
			SelectAll:           sets(cs1), "": sets(cs1),
		}},
		{"all the same", nt4(selects("LastKnownGood", 1)), map[string]chosen{SelectAll: sets(cs1), "": sets(cs1)}},
		{"Current and Default differ", nt4(selects("Current", 2)), map[string]chosen{
			"":            sets(cs2, cs1).warns(`Select\Current is 2, but Windows starts with Select\Default, 1: both are taken`),
			SelectCurrent: sets(cs2), SelectDefault: sets(cs1), SelectAll: sets(cs1, cs2),
		}},
		{"Current 0", nt4(selects("Current", 0)), map[string]chosen{
			"":            sets(cs1).warns(`Select\Current is 0, which names no control set: only the one that Select\Default names is taken`),
			SelectCurrent: refused("it is 0"), SelectDefault: sets(cs1), SelectAll: sets(cs1, cs2),
		}},
		{"Default 0", nt4(selects("Default", 0)), map[string]chosen{
			"":            sets(cs1).warns(`Select\Default is 0, which names no control set: only the one that Select\Current names is taken`),
			SelectDefault: refused(`Select\Default: it is 0, which names no control set`), SelectAll: sets(cs1, cs2),
		}},
		{"Current and Default 0", nt4(selects("Current", 0), selects("Default", 0)), map[string]chosen{
			"": refused("Current and Default are 0"), SelectAll: sets(cs2), "1": sets(cs1),
		}},
		{"all 0", nt4(selects("Current", 0), selects("Default", 0), selects("LastKnownGood", 0)), map[string]chosen{
			"": refused("Select names no control set"), SelectAll: refused("Select names no control set"),
		}},
		{"Default without its set", nt4(selects("Default", 3)), map[string]chosen{
			"": refused(`Select\Default is 3, but there is no such control set`), SelectDefault: refused("is 3"), SelectAll: refused("is 3"),
			SelectCurrent: sets(cs1),
		}},
		{"Current without its set", nt4(selects("Current", 7)), map[string]chosen{
			"": refused(`Select\Current is 7, but there is no such control set`), SelectDefault: sets(cs1),
			SelectAll: sets(cs1, cs2).warns(`Select\Current is 7, but there is no such control set: it is left out`),
		}},
		{"no set at all", nt4(withoutSet(cs1), withoutSet(cs2)), map[string]chosen{
			"": refused("the hive has no control set at all; is it a SYSTEM hive?"), "1": notFound("no control set at all"),
		}},
		{"gap in the numbers", nt4(renames(cs2, "ControlSet003"), selects("LastKnownGood", 3)), map[string]chosen{
			"": sets(cs1), SelectAll: sets(cs1, "ControlSet003"), SelectLastKnownGood: sets("ControlSet003"),
			"2": notFound("ControlSet002: not found (there are ControlSet001, ControlSet003)"),
		}},
		{"four digits", nt4(renames(cs1, "ControlSet1000"), selects("Current", 1000), selects("Default", 1000)), map[string]chosen{
			"": sets("ControlSet1000"), SelectAll: sets("ControlSet1000", cs2), "1000": sets("ControlSet1000"), "1": notFound("ControlSet001"),
		}},
		{"four digits without the set", nt4(selects("Current", 1000), selects("Default", 1000)), map[string]chosen{
			"": refused("is 1000, but there is no such control set"),
		}},
		{"number with more zeros than the loader prints", nt4(renames(cs1, "ControlSet0001")), map[string]chosen{
			"": refused("is 1, but there is no such control set (the only control set is ControlSet002)"), "1": notFound("ControlSet001"),
		}},
		{"names in other case", nt4(renames(cs1, "CONTROLSET001"), renames("Select", "SELECT")), map[string]chosen{
			"": sets("CONTROLSET001"),
		}},
		{"Select values in other case", nt4(
			func(h *hivetest.Hive) {
				for i, value := range h.Key("Select").Values {
					h.Key("Select").Values[i].Name = strings.ToLower(value.Name)
				}
			}), map[string]chosen{"": sets(cs1), SelectAll: sets(cs1, cs2)}},
		{"real key CurrentControlSet", nt4(withCopy("CurrentControlSet")), map[string]chosen{
			"":        sets(cs1).warns("the hive has a real key named CurrentControlSet"),
			SelectAll: sets(cs1, cs2).warns("without effect and left alone"), "1": sets(cs1).warns("CurrentControlSet"),
		}},
		{"Clone beside the sets", nt4(withCopy("Clone")), map[string]chosen{"": sets(cs1), SelectAll: sets(cs1, cs2)}},
		{"value missing in the second", nt4(func(h *hivetest.Hive) { h.Key(hivetest.SubSystems002).DeleteValue(valueName) }), map[string]chosen{
			"": sets(cs1), "2": notFound(`value Windows of key ControlSet002\Control\Session Manager\SubSystems: not found`),
			SelectAll: notFound("ControlSet002"),
		}},
		{"key missing in the second", nt4(func(h *hivetest.Hive) {
			h.Key(`ControlSet002\Control\Session Manager`).DeleteSubkey("SubSystems")
		}), map[string]chosen{"": sets(cs1), SelectAll: notFound(`key ControlSet002\Control\Session Manager\SubSystems: not found`)}},
		{"second cannot be edited", nt4(setsValue(hivetest.SubSystems002, "SharedSection=1024,3072 SharedSection=1024,3072")), map[string]chosen{
			"": sets(cs1), "2": refused("2 SharedSection tokens"), SelectAll: refused("ControlSet002: 2 SharedSection tokens"),
		}},
		{"first cannot be edited", nt4(setsValue(hivetest.SubSystems, "SharedSection=1024")), map[string]chosen{
			"": refused("ControlSet001: "), "2": sets(cs2), SelectAll: refused("ControlSet001: "),
		}},
	} {
		data := test.hive.Build().Data
		before := snapshot(t, data)
		for selection, want := range test.want {
			t.Run(fmt.Sprintf("%s/%q", test.name, selection), func(t *testing.T) {
				request := defaultRequest(t)
				request.ControlSet = selection
				if want.refused != "" {
					requireRefused(t, refuse(t, data, request), want)
					return
				}
				done := apply(t, data, request)
				var names []string
				texts := map[string]string{}
				for _, set := range done.report.ControlSets {
					names = append(names, set.Name)
					texts[set.Name+`\`+subSystemsPath] = changedNT4
					require.Equal(t, "SharedSection=1024,3072,512", set.After)
				}
				require.Equal(t, want.sets, strings.Join(names, " "))
				requireOnlyEdited(t, before, snapshot(t, done.data), texts)
				requireSound(t, done.data)
				warnings := strings.Join(done.report.Warnings, "\n")
				require.Contains(t, warnings, want.warning)
				if want.warning == "" {
					require.NotContains(t, warnings, "Select")
					require.NotContains(t, warnings, "CurrentControlSet")
				}
				requireUnchanged(t, done.data, request)
			})
		}
	}
}

func setsValue(path, token string) func(*hivetest.Hive) {
	return func(h *hivetest.Hive) {
		h.Key(path).Value(valueName).Data = hivetest.ExpandSZ(hivetest.CommandLine(token, hivetest.CommandTailNT4))
	}
}

func requireRefused(t *testing.T, err error, want chosen) {
	t.Helper()
	require.ErrorContains(t, err, want.refused)
	var refused *RefusedError
	var usage *UsageError
	switch want.kind.(type) {
	case nil:
		require.ErrorAs(t, err, &refused)
	case *UsageError:
		require.ErrorAs(t, err, &usage)
	default:
		require.ErrorIs(t, err, want.kind)
		require.False(t, errorsAs[*RefusedError](err))
	}
}

// TestNoSetToName: the number of a set is no help where there is none.
func TestNoSetToName(t *testing.T) {
	var refused *RefusedError
	require.ErrorAs(t, refuse(t, nt4(withoutSelect).Build().Data, defaultRequest(t)), &refused)
	require.Equal(t, overrideControlSet, refused.Override)
	require.ErrorAs(t, refuse(t, nt4(withoutSelect, withoutSet("ControlSet001"), withoutSet("ControlSet002")).Build().Data, defaultRequest(t)), &refused)
	require.Empty(t, refused.Override)
}

// TestSetsThatDisagree: each set gets what was asked for from what it has, and
// the report has both.
func TestSetsThatDisagree(t *testing.T) {
	literal := nt4(setsValue(hivetest.SubSystems002, "SharedSection=1024,4096,256"))
	data := literal.Build().Data
	request := defaultRequest(t)
	request.ControlSet = SelectAll
	done := apply(t, data, request)
	require.Equal(t, []SetChange{
		{"ControlSet001", "SharedSection=1024,3072", "SharedSection=1024,3072,512"},
		{"ControlSet002", "SharedSection=1024,4096,256", "SharedSection=1024,4096,256"},
	}, done.report.ControlSets, "a third number is never touched")
	request.Edit = EditRequest{Sizes: sizes(0, 768)}
	done = apply(t, data, request)
	require.Equal(t, []SetChange{
		{"ControlSet001", "SharedSection=1024,3072", "SharedSection=1024,3072,768"},
		{"ControlSet002", "SharedSection=1024,4096,256", "SharedSection=1024,4096,768"},
	}, done.report.ControlSets)
	overview, err := Show(load(t, data))
	require.NoError(t, err)
	require.Contains(t, overview.Warnings, "the control sets do not have the same SharedSection")
}

// TestRoles: what Select uses a set for.
func TestRoles(t *testing.T) {
	literal := nt4(selects("Failed", 2), selects("Default", 2))
	sets, err := ReadControlSets(load(t, literal.Build().Data).Hive)
	require.NoError(t, err)
	require.Len(t, sets.Sets, 2)
	require.Equal(t, []string{RoleCurrent}, sets.Sets[0].Roles)
	require.Equal(t, []string{RoleDefault, RoleLastKnownGood, RoleFailed}, sets.Sets[1].Roles)
	require.Equal(t, uint32(2), sets.Sets[1].Number)
	require.Equal(t, "ControlSet002", sets.Sets[1].Name())
}

// TestSetListedTwice: in a damaged hive a list can name a set many times.
func TestSetListedTwice(t *testing.T) {
	image := hivetest.NT4().Build()
	first, second := image.Key("ControlSet001").Node, image.Key("ControlSet002").Node
	for at := 4; at < len(image.Cell(image.Key("").List)); at += 8 {
		if image.U32(image.Key("").List, at) == second {
			image.Put32(image.Key("").List, at, first)
		}
	}
	sets, err := ReadControlSets(load(t, image.Data).Hive)
	require.NoError(t, err)
	require.Len(t, sets.Sets, 1)
}

// TestControlSetNumber: names as the loader prints them, and no others.
func TestControlSetNumber(t *testing.T) {
	for name, want := range map[string]uint32{
		"ControlSet001": 1, "controlset010": 10, "CONTROLSET999": 999, "ControlSet1000": 1000, "ControlSet4294967295": 4294967295, "ControlSet000": 0,
	} {
		number, ok := controlSetNumber(name)
		require.True(t, ok, name)
		require.Equal(t, want, number, name)
	}
	for _, name := range []string{
		"", "ControlSet", "ControlSet1", "ControlSet01", "ControlSet0001", "ControlSet00000000001", "ControlSet4294967296",
		"ControlSet-01", "ControlSet+01", "ControlSet00a", "ControlSet001 ", " ControlSet001", "CurrentControlSet", "ControlSetXXX", "ControlSet0x1", "ControlSet١٢٣",
	} {
		_, ok := controlSetNumber(name)
		require.False(t, ok, name)
	}
}
