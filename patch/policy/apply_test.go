package policy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivetest"
)

// Each kind of wish makes what it wants of a hive where that is otherwise, and
// nothing where it is so.
func TestApply(t *testing.T) {
	nt4 := hivetest.NT4().Build().Data
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"value that is so", "values: [{key: Setup, name: setuptype, type: dword, data: 0}]", nil},
		{"value with other data", "values: [{key: setup, name: SETUPTYPE, type: dword, data: 1}]", []string{`value-differs Setup SetupType`}},
		{"value of another type", "values: [{key: Setup, name: SetupType, type: binary, data: '00000000'}]", []string{`value-differs Setup SetupType`}},
		{"new value", "values: [{key: Setup, name: New, type: sz, data: ''}]", []string{`value-missing Setup New`}},
		{"default value", "values: [{key: Setup, name: '', type: sz, data: x}]", []string{`value-missing Setup`}},
		{"value of a new key", `values: [{key: Setup\A\B, name: n, type: sz, data: x}]`, []string{`value-missing Setup\A\B n`}},
		{"values of a new key", `values: [{key: A\B, name: n, type: sz, data: x}, {key: a\b, name: m, type: sz, data: x}, {key: A, name: o, type: sz, data: x}, {key: A\B\C, name: p, type: sz, data: x}]`,
			[]string{`value-missing A\B n`, `value-missing A\B m`, `value-missing A o`, `value-missing A\B\C p`}},
		{"value of the root", `values: [{key: '\', name: n, type: none, data: ''}]`, []string{`value-missing  n`}},
		{"value that is gone", "absent_values: [{key: Setup, name: No}, {key: No\\Key, name: No}]", nil},
		{"value that is there", "absent_values: [{key: Setup, name: cmdline}]", []string{`value-present Setup CmdLine`}},
		{"key that is there", `keys: [Setup, control/..]`, []string{`key-missing control\..`}},
		{"key that is missing", `keys: [Setup\A\B]`, []string{`key-missing Setup\A\B`}},
		{"key that is gone", `absent_keys: [Setup\A\B, No]`, nil},
		{"key to be gone", `absent_keys: [disk, ControlSet002\Services]`, []string{`key-present DISK`, `key-present ControlSet002\Services`}},
		{"keys of which one goes with the other", `absent_keys: [ControlSet002\Control, ControlSet002\Control\Lsa]`, []string{`key-present ControlSet002\Control`, `key-present ControlSet002\Control\Lsa`}},
		{"values of a key that goes", `{absent_keys: [Setup], absent_values: [{key: Setup, name: CmdLine}]}`, []string{`key-present Setup`, `value-present Setup CmdLine`}},
		{"desktop heap that is so", "desktop_heap: {interactive: 3072}", nil},
		{"desktop heap", "desktop_heap: {preset: kb142676}", []string{`desktop-heap-differs ControlSet001\Control\Session Manager\SubSystems Windows`}},
		{"desktop heap of all sets", "desktop_heap: {noninteractive: 512, control_set: all}", []string{
			`desktop-heap-differs ControlSet001\Control\Session Manager\SubSystems Windows`, `desktop-heap-differs ControlSet002\Control\Session Manager\SubSystems Windows`}},
		{"everything", "{desktop_heap: {noninteractive: 512}, keys: [A], absent_keys: [DISK], absent_values: [{key: Setup, name: CmdLine}], values: [{key: Setup, name: SetupType, type: dword, data: 7}]}", []string{
			`desktop-heap-differs ControlSet001\Control\Session Manager\SubSystems Windows`, `key-present DISK`, `value-present Setup CmdLine`, `key-missing A`, `value-differs Setup SetupType`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.text
			if !strings.HasPrefix(text, "{") {
				text = "{" + text + "}"
			}
			_, plan := requireApplied(t, nt4, system(t, text+"\n"), Options{})
			require.Equal(t, append([]string{}, c.want...), whats(plan))
		})
	}
}

// What is, and what is wanted.
func TestDifferences(t *testing.T) {
	s := system(t, "desktop_heap: {noninteractive: 512}\nvalues:\n  - {key: Setup, name: SetupType, type: sz, data: a}\nabsent_values:\n  - {key: Setup, name: CmdLine}\n")
	plan, err := s.Plan(load(t, hivetest.NT4().Build().Data).Hive, Options{})
	require.NoError(t, err)
	require.Equal(t, []Difference{
		{Position{4, 5}, DesktopHeapDiffers, hivetest.SubSystems, "Windows", nil, nil,
			&HeapDifference{Is: "SharedSection=1024,3072", Want: "SharedSection=1024,3072,512"}},
		{Position{8, 9}, ValueIsPresent, "Setup", "CmdLine", &Data{hive.SZ, hivetest.SZ("setup -newsetup")}, nil, nil},
		{Position{6, 9}, ValueDiffers, "Setup", "SetupType", &Data{hive.DWord, []byte{0, 0, 0, 0}}, &Data{hive.SZ, hivetest.SZ("a")}, nil},
	}, plan.Differences)
}

// CurrentControlSet is about the sets that are selected, each once.
func TestControlSets(t *testing.T) {
	for _, c := range []struct {
		name                         string
		current, next, lastKnownGood uint32
		selection                    string
		sets                         []string
	}{
		{"active, both the same", 1, 1, 2, "active", []string{"ControlSet001"}},
		{"active, two", 1, 2, 1, "active", []string{"ControlSet001", "ControlSet002"}},
		{"current", 1, 2, 1, "current", []string{"ControlSet001"}},
		{"default", 1, 2, 1, "default", []string{"ControlSet002"}},
		{"last known good", 1, 1, 2, "lastknowngood", []string{"ControlSet002"}},
		{"all", 1, 1, 2, "all", []string{"ControlSet001", "ControlSet002"}},
		{"number", 1, 1, 1, "2", []string{"ControlSet002"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := system(t, "control_set: "+c.selection+"\nkeys: [CurrentControlSet\\New]\ndesktop_heap: {noninteractive: 512}\n")
			h, plan := requireApplied(t, twoSets(c.current, c.next, c.lastKnownGood), s, Options{})
			var want []string
			for _, set := range c.sets {
				want = append(want, "desktop-heap-differs "+set+`\Control\Session Manager\SubSystems Windows`)
			}
			for _, set := range c.sets {
				want = append(want, "key-missing "+set+`\New`)
				_, err := h.Key(set + `\New`)
				require.NoError(t, err)
			}
			require.Equal(t, want, whats(plan))
		})
	}
}

// What cannot be followed in a hive is an error that names the line of the
// policy, and the hive stays.
func TestRefusals(t *testing.T) {
	link := func(h hivetest.Hive, target string) []byte {
		h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: "Link", Flags: 0x10, Values: []hivetest.Value{
			{Name: hive.LinkValue, Type: uint32(hive.Link), Data: hivetest.Link(target)},
		}})
		return h.Build().Data
	}
	flagged := func(flags uint16) []byte {
		h := hivetest.NT4()
		h.Root.Subkeys = append(h.Root.Subkeys, hivetest.Key{Name: "Kept", Subkeys: []hivetest.Key{{Name: "Below", Flags: flags}}})
		return h.Build().Data
	}
	nt4 := hivetest.NT4().Build().Data
	for _, c := range []struct {
		name, text string
		data       []byte
		want       string // of Apply
		forced     bool   // --force lets it pass
		plan       string // error of Plan, empty where it tells of a difference
	}{
		{"through a link", `keys: [Link\A]`, link(hivetest.NT4(), `\Registry\Machine\SYSTEM\Setup`),
			`line 4, column 12: the path Link\A goes through the symbolic link Link: name a key where it leads`, false, "line 4, column 12: the path"},
		{"value of a link", `values: [{key: Link, name: SymbolicLinkValue, type: link, data: '\x'}]`, link(hivetest.NT4(), `\Registry\Machine\SYSTEM\Setup`),
			`line 4, column 14: key Link is a symbolic link, and only its target is here: name the key where it leads; --force goes on all the same`, true, ""},
		{"target of a link", `absent_keys: [DISK]`, link(hivetest.NT4(), `\Registry\Machine\SYSTEM\DISK`),
			`line 4, column 19: the symbolic link Link leads to \Registry\Machine\SYSTEM\DISK: without that it leads nowhere; --force goes on all the same`, true, ""},
		{"target of a link through CurrentControlSet", `absent_keys: [ControlSet001\Services]`, link(hivetest.NT4(), `\Registry\Machine\SYSTEM\CurrentControlSet\Services\Disk`),
			`line 4, column 19: the symbolic link Link leads to \Registry\Machine\SYSTEM\CurrentControlSet\Services\Disk: without that it leads nowhere; --force goes on all the same`, true, ""},
		{"key below that is not to be deleted", `absent_keys: [Kept]`, flagged(0x08),
			`line 4, column 19: key Kept\Below is marked as not to be deleted; --force goes on all the same`, true, ""},
		{"key below with a predefined handle", `absent_keys: [Kept]`, flagged(0x40),
			`line 4, column 19: key Kept\Below must not be changed: it holds a predefined handle instead of values`, false, ""},
		{"no such control set", `{control_set: 7, keys: [CurrentControlSet\A]}`, nt4,
			`line 4, column 29: control_set 7: ControlSet007: not found (there are ControlSet001, ControlSet002)`, false, "line 4, column 29: control_set 7"},
		{"Select leads nowhere", `keys: [CurrentControlSet\A]`, twoSets(3, 3, 0),
			`line 4, column 12: control_set active: Select\Current is 3, but there is no such control set (there are ControlSet001, ControlSet002); control_set: NUMBER in the policy names the one that is meant`, false, "line 4, column 12: control_set active"},
		{"one set by two names", `values: [{key: CurrentControlSet\A, name: n, type: sz, data: a}, {key: ControlSet001\A, name: N, type: sz, data: b}]`, nt4,
			`line 4, column 70: value N of key ControlSet001\A is set, but at line 4, column 14 value n of key CurrentControlSet\A is set`, false, "line 4, column 70"},
		{"first number", `desktop_heap: {shared: 2048}`, nt4,
			`line 4, column 5: ControlSet001: the first number is the section that csrss shares with every process, not a desktop heap: "1024" does not become 2048; --force goes on all the same`, true, ""},
		{"below a minimum", `desktop_heap: {noninteractive: 64}`, nt4,
			`line 4, column 5: ControlSet001: 64 KB is below the minimum of the non-interactive heap: Windows takes 128; --force goes on all the same`, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := system(t, c.text+"\n")
			_, _, _, err := apply(c.data, s, Options{})
			require.EqualError(t, err, c.want)
			plan, err := s.Plan(load(t, c.data).Hive, Options{})
			if c.plan != "" {
				require.ErrorContains(t, err, c.plan)
			} else {
				require.NoError(t, err)
				require.Len(t, plan.Differences, 1)
			}
			if c.forced {
				_, _, outcome, err := apply(c.data, s, Options{Force: true})
				require.NoError(t, err)
				require.True(t, outcome.Changed)
				require.Contains(t, strings.Join(outcome.Warnings, "\n"), "forced: ")
			}
		})
	}
}

// A damaged hive is refused where the damage is on the way, as by every edit.
func TestApplyDamaged(t *testing.T) {
	s := system(t, "keys: [Setup\\A]\n")
	for _, mutation := range hivetest.Mutations() {
		data := mutation.Build().Data
		file, err := loadDamaged(data)
		if err != nil {
			continue
		}
		_, err = edit.Apply(file, edit.Request{Time: editTime, AllowDamage: true}, func(d *edit.Draft) error {
			_, err := s.Apply(d, Options{})
			return err
		})
		if err == nil {
			written, err := hive.Open(bytes.Clone(file.Hive.Bytes()), hive.Tolerant())
			require.NoError(t, err, mutation.Name)
			_, err = written.Key(`Setup\A`)
			require.NoError(t, err, mutation.Name)
		}
	}
}

// Many wishes about one key and about many keys take time that grows with their
// number.
func TestManyWishes(t *testing.T) {
	var text strings.Builder
	text.WriteString("version: 1\nhives:\n  SOFTWARE:\n    values:\n")
	const keys, values = 40, 60
	for v := range values {
		for k := range keys {
			fmt.Fprintf(&text, "    - {key: 'A\\K%d', name: V%d, type: dword, data: %d}\n", k, v, k*v)
		}
	}
	text.WriteString("    absent_values:\n")
	for v := range values {
		fmt.Fprintf(&text, "    - {key: B, name: V%d}\n", v)
	}
	p, err := Parse([]byte(text.String()))
	require.NoError(t, err)
	h, err := hive.New(5, editTime)
	require.NoError(t, err)
	key, err := h.CreateKey("B", editTime)
	require.NoError(t, err)
	for v := range values {
		_, err := key.SetValue(fmt.Sprintf("v%d", v), hive.SZ, []byte{0, 0}, editTime)
		require.NoError(t, err)
	}
	h.Seal(editTime)
	after, plan := requireApplied(t, h.Bytes(), p.Sections[0], Options{})
	require.Len(t, plan.Differences, keys*values+values)
	last, err := after.Key(`A\K39`)
	require.NoError(t, err)
	_, count, err := last.Counts()
	require.NoError(t, err)
	require.Equal(t, values, count)
}
