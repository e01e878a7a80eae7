package edit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// request is what the tests ask for.
var request = Request{Time: editTime}

// kindsOfEdits are edits of every kind, of hives that have the key Setup.
func kindsOfEdits() map[string]func(d *Draft) error {
	touch := func(d *Draft, path string) (*hive.Key, error) {
		key, err := d.Hive.Key(path)
		if err != nil {
			return nil, err
		}
		return key, d.Touch(key)
	}
	onSetup := func(edit func(d *Draft, key *hive.Key) error) func(d *Draft) error {
		return func(d *Draft) error {
			key, err := touch(d, "Setup")
			if err != nil {
				return err
			}
			return edit(d, key)
		}
	}
	set := func(name string, size int) func(d *Draft) error {
		return onSetup(func(d *Draft, key *hive.Key) error {
			_, err := key.SetValue(name, hive.Binary, bytes.Repeat([]byte{0xA5}, size), d.Time)
			return err
		})
	}
	return map[string]func(d *Draft) error{
		"set a value of 3 bytes": set("new", 3),
		"set a value of 5 bytes": set("new", 5),
		"set big data":           set("new", 3*16344+1),
		"set a name in UTF-16":   set("новый", 8),
		"delete a value": onSetup(func(d *Draft, key *hive.Key) error {
			value, err := key.Value("CmdLine")
			if err != nil {
				return err
			}
			return value.Delete(d.Time)
		}),
		"create keys": onSetup(func(d *Draft, key *hive.Key) error {
			for _, name := range []string{"a", "Ключ", "Z\u00e9"} {
				created, err := key.CreateSubkey(name, d.Time)
				if err != nil {
					return err
				}
				if err := d.Touch(created); err != nil {
					return err
				}
			}
			return nil
		}),
		"delete a key": onSetup(func(d *Draft, key *hive.Key) error { return key.Delete(d.Time) }),
		"rename a key": onSetup(func(d *Draft, key *hive.Key) error {
			if err := key.Rename("Abbau", d.Time); err != nil {
				return err
			}
			return d.Touch(key)
		}),
		"set a class": onSetup(func(d *Draft, key *hive.Key) error { return key.SetClass("class", d.Time) }),
		"set a security": onSetup(func(d *Draft, key *hive.Key) error {
			owner := hivetest.SID(5, 21, 1, 2, 3, 500) // nobody else's
			return key.SetSecurityDescriptor(hivetest.Descriptor(owner, hivetest.SIDUsers), d.Time)
		}),
	}
}

// TestApply makes edits of every kind in hives of every version: the result is
// sound and verified, and the outcome is true.
func TestApply(t *testing.T) {
	for _, minor := range []uint32{2, 3, 4, 5} {
		for name, edit := range kindsOfEdits() {
			t.Run(fmt.Sprintf("1.%d/%s", minor, name), func(t *testing.T) {
				literal := hivetest.Windows10()
				literal.Minor = minor
				before := literal.Build().Data
				file := load(t, before)
				var stages []string
				staged := request
				staged.Stage = func(what string) { stages = append(stages, what) }
				outcome, err := Apply(file, staged, edit)
				require.NoError(t, err)
				requireOutcome(t, before, file, outcome)
				requireSound(t, file.Hive.Bytes())
				require.True(t, outcome.Changed)
				require.Equal(t, []string{"check", "regparser"}, outcome.VerifiedBy)
				require.Equal(t, []string{"checking", "editing", "checking the result", "reading the result back"}, stages)
			})
		}
	}
}

// TestNothingToDo: an edit that changes nothing leaves a clean hive as it is,
// and makes a dirty one clean.
func TestNothingToDo(t *testing.T) {
	nothing := func(d *Draft) error { return nil }
	data := hivetest.NT4().Build().Data
	file := load(t, data)
	outcome, err := Apply(file, request, nothing)
	require.NoError(t, err)
	requireOutcome(t, data, file, outcome)
	require.False(t, outcome.Changed)

	dirty := hivetest.DirtyWindows10()
	file, err = loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
	require.NoError(t, err)
	outcome, err = Apply(file, request, nothing)
	require.NoError(t, err)
	requireOutcome(t, dirty.Primary, file, outcome)
	require.True(t, outcome.Changed)
	require.Equal(t, len(dirty.Entries), outcome.ReplayedEntries)
	requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
}

// TestDirty edits recovered hives: the logs can never be applied over the edit.
func TestDirty(t *testing.T) {
	edit := kindsOfEdits()["set big data"]
	for name, dirty := range map[string]hivetest.DirtyHive{"windows10": hivetest.DirtyWindows10(), "old": hivetest.DirtyOld()} {
		t.Run(name, func(t *testing.T) {
			file, err := loadCase(t, hivetest.LogCase{Primary: dirty.Primary, Log1: dirty.Log1, Log2: dirty.Log2}, hivefile.Recover)
			require.NoError(t, err)
			outcome, err := Apply(file, request, edit)
			require.NoError(t, err)
			requireOutcome(t, dirty.Primary, file, outcome)
			requireSafeFromLogs(t, file.Hive.Bytes(), dirty.Log1, dirty.Log2)
			requireSound(t, file.Hive.Bytes())
		})
	}
}

// TestErrors: errors come as they are, and there is no outcome.
func TestErrors(t *testing.T) {
	mine := errors.New("mine")
	data := hivetest.NT4().Build().Data
	for name, test := range map[string]struct {
		data []byte
		edit func(d *Draft) error
		want error
	}{
		"of the edit":    {data, func(*Draft) error { return mine }, mine},
		"of the caller":  {data, func(d *Draft) error { d.Verify("mine", func(*hive.Hive) error { return mine }); return nil }, mine},
		"version 1.1":    {hivetest.NT31(1).Build().Data, nil, hive.ErrReadOnly},
		"layered":        {hivetest.Layered().Build().Data, nil, hive.ErrReadOnly},
		"no such key":    {data, func(d *Draft) error { _, err := d.Hive.Key("nosuch"); return err }, hive.ErrNotFound},
		"of a write too": {data, func(d *Draft) error { return errors.Join(kindsOfEdits()["create keys"](d), mine) }, mine},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := Apply(load(t, test.data), request, test.edit)
			require.ErrorIs(t, err, test.want)
			require.Nil(t, outcome)
		})
	}
}

// TestVerify: callers see the bytes that will be saved, and are named once.
func TestVerify(t *testing.T) {
	calls := 0
	outcome, err := Apply(load(t, hivetest.Windows10().Build().Data), request, func(d *Draft) error {
		for range 2 {
			d.Verify("read-back", func(written *hive.Hive) error {
				calls++
				require.NotSame(t, d.Hive, written)
				require.True(t, written.Clean())
				_, err := written.Key("Setup/new")
				require.ErrorIs(t, err, hive.ErrNotFound, "a slash is part of a name")
				_, err = written.Key(`Setup\a`)
				return err
			})
		}
		return kindsOfEdits()["create keys"](d)
	})
	require.NoError(t, err)
	require.Equal(t, 2, calls)
	require.Equal(t, []string{"check", "read-back", "regparser"}, outcome.VerifiedBy)
}

// TestWarn: warnings are kept in their order.
func TestWarn(t *testing.T) {
	literal := hivetest.Windows10()
	literal.Flags = 0
	outcome, err := Apply(load(t, literal.Build().Data), request, func(d *Draft) error {
		d.Warn("one %d", 1)
		d.Warn("two")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"one 1", "two"}, outcome.Warnings)
}

// TestWorse: what an edit breaks is found before anything is saved, and what was
// broken before is no reason to refuse.
func TestWorse(t *testing.T) {
	image := hivetest.Windows10().Build()
	setup := hivetest.FileOffset(image.Key("Setup").Node) + 4
	breakOne := func(d *Draft, field int64) { clear(d.Hive.Bytes()[setup+field:][:4]) }
	for name, test := range map[string]struct {
		field int
		code  string
	}{
		"time and parent": {hivetest.NodeParent, "parent"},
		"name of a value": {hivetest.NodeMaxValueName, "maxima"},
		"security":        {hivetest.NodeSecurity, "security-reference"},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, err := Apply(load(t, image.Data), request, func(d *Draft) error {
				breakOne(d, int64(test.field))
				return kindsOfEdits()["set a class"](d)
			})
			require.ErrorContains(t, err, "did not pass the check, nothing was saved: ")
			require.ErrorContains(t, err, test.code)
			require.Nil(t, outcome)
		})
	}
	t.Run("one fault for another", func(t *testing.T) {
		faulty := image.Clone()
		faulty.Put32(faulty.Key("WPA").Node, hivetest.NodeParent, faulty.Key("Select").Node)
		require.NotEmpty(t, findings(faulty.Data, check.Limited))
		_, err := Apply(load(t, faulty.Data), request, kindsOfEdits()["set a class"])
		require.NoError(t, err)
		_, err = Apply(load(t, faulty.Data), request, func(d *Draft) error {
			key, err := d.Hive.Key("WPA")
			require.NoError(t, err)
			require.NoError(t, key.Delete(d.Time)) // with its fault
			breakOne(d, hivetest.NodeMaxValueName)
			return nil
		})
		require.ErrorContains(t, err, "maxima", "as many findings of the level as before")
	})
}

// TestIgnoredLogs: the loss is told, and what makes the hive dirty is no damage.
func TestIgnoredLogs(t *testing.T) {
	image := hivetest.Windows10().Build()
	image.SetSequences(1623, 1622)
	file, err := loadCase(t, hivetest.LogCase{Primary: image.Data}, hivefile.IgnoreLogs)
	require.NoError(t, err)
	outcome, err := Apply(file, request, kindsOfEdits()["set a class"])
	require.NoError(t, err)
	requireOutcome(t, image.Data, file, outcome)
	require.Contains(t, strings.Join(outcome.Warnings, "\n"), "its logs were ignored: what Windows had written to them only is lost")
	require.Zero(t, outcome.Counts.Fatal)
}

// TestValuesOnly: with nothing but values announced, every other byte is out of
// place.
func TestValuesOnly(t *testing.T) {
	data := hivetest.Windows10().Build().Data
	apply := func(beside func(d *Draft)) error {
		_, err := Apply(load(t, data), request, func(d *Draft) error {
			key, err := d.Hive.Key("Setup")
			require.NoError(t, err)
			value, err := key.Value("CmdLine")
			require.NoError(t, err)
			d.ValuesOnly(key)
			if beside != nil {
				beside(d)
			}
			return value.SetData(hive.Binary, []byte("data of a length"), d.Time)
		})
		return err
	}
	require.NoError(t, apply(nil))
	require.ErrorContains(t, apply(func(d *Draft) {
		key, err := d.Hive.Key("WPA")
		require.NoError(t, err)
		require.NoError(t, key.SetLastWriteTime(d.Time))
	}), "edit-reach")
}

// TestDeterminism: the same hive, edit and time give the same bytes.
func TestDeterminism(t *testing.T) {
	data := hivetest.Windows10().Build().Data
	for name, edit := range kindsOfEdits() {
		t.Run(name, func(t *testing.T) {
			var results [][]byte
			for _, zone := range []*time.Location{time.UTC, time.FixedZone("elsewhere", 5*3600)} {
				file := load(t, data)
				_, err := Apply(file, Request{Time: editTime.In(zone)}, edit)
				require.NoError(t, err)
				results = append(results, slices.Clone(file.Hive.Bytes()))
			}
			require.True(t, bytes.Equal(results[0], results[1]))
		})
	}
}
