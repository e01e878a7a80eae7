package edit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/check"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
)

// forEachMutant calls visit for every mutation of a hive that opens and can be
// edited.
func forEachMutant(t *testing.T, visit func(t *testing.T, mutant []byte, fatal []check.Finding)) {
	for _, mutation := range hivetest.Mutations() {
		mutant := mutation.Build().Data
		file, err := hivefile.LoadStream(bytes.NewReader(mutant), hivefile.LoadOptions{Tolerant: true})
		if err != nil || file.Hive.Editable() != nil {
			continue
		}
		t.Run(mutation.Name, func(t *testing.T) { visit(t, mutant, findings(mutant, check.Fatal)) })
	}
}

// TestDamageRefused: a fault of level F is refused with its findings and the
// flag that overrides that, before the edit is called.
func TestDamageRefused(t *testing.T) {
	refused := 0
	forEachMutant(t, func(t *testing.T, mutant []byte, fatal []check.Finding) {
		file, called := load(t, mutant), false
		_, err := Apply(file, request, func(*Draft) error { called = true; return nil })
		if len(fatal) == 0 {
			require.NoError(t, err)
			return
		}
		refused++
		var damaged *DamageError
		require.ErrorAs(t, err, &damaged)
		require.Equal(t, OverrideDamage, damaged.Override)
		require.Nil(t, damaged.Touching)
		require.Equal(t, len(fatal), damaged.Findings.Counts[check.Fatal])
		require.False(t, called)
		require.True(t, bytes.Equal(mutant, file.Hive.Bytes()))
	})
	require.Greater(t, refused, 50)
}

// TestAllowDamage makes edits of every kind in damaged hives: either damage lies
// in the way, or nothing is worse than before and no second opinion is claimed.
func TestAllowDamage(t *testing.T) {
	done, inTheWay := map[string]int{}, map[string]int{}
	edits := kindsOfEdits()
	forEachMutant(t, func(t *testing.T, mutant []byte, fatal []check.Finding) {
		if len(fatal) == 0 {
			return
		}
		for name, edit := range edits {
			file := load(t, mutant)
			outcome, err := Apply(file, Request{AllowDamage: true, Time: editTime}, edit)
			if err != nil {
				var damaged *DamageError
				if errors.As(err, &damaged) {
					require.NotNil(t, damaged.Touching, "%s: %v", name, err)
					require.Empty(t, damaged.Override, "nothing overrides it")
				} else {
					require.True(t, errors.Is(err, hive.ErrCorrupt) || errors.Is(err, hive.ErrNotFound), "%s: %v", name, err)
				}
				inTheWay[name]++
				continue
			}
			done[name]++
			requireOutcome(t, mutant, file, outcome)
			require.Equal(t, []string{"check"}, outcome.VerifiedBy)
			require.Contains(t, strings.Join(outcome.Warnings, "\n"), "no second opinion")
			require.Equal(t, codes(fatal), codes(findings(file.Hive.Bytes(), check.Fatal)), name)
		}
	})
	t.Logf("done: %v, damage in the way: %v", done, inTheWay)
	for name := range edits {
		require.NotZero(t, done[name], name)
		require.NotZero(t, inTheWay[name], name)
	}
}

func codes(list []check.Finding) (codes []string) {
	for _, f := range list {
		codes = append(codes, f.Code)
	}
	return slices.Sorted(slices.Values(codes))
}

// damaged is a hive with damage at the key WPA alone, which lies in a bin of its
// own.
func damaged(t *testing.T) *hivetest.Image {
	image := hivetest.Windows10().Build()
	place := image.Key("WPA")
	old := place.Node
	free := image.AddBin(hivetest.PageSize)
	size := uint32(-image.CellSize(old))
	image.SetCellSize(free.Offset, -int32(size))
	image.SetCellSize(free.Offset+size, int32(free.Size-size))
	copy(image.Cell(free.Offset), image.Cell(old))
	image.Free(old)
	for _, leaf := range image.Key("").Leaves {
		for entry := range int(image.U16(leaf, 2)) {
			if image.U32(leaf, 4+8*entry) == old {
				image.Put32(leaf, 4+8*entry, free.Offset)
			}
		}
	}
	for _, name := range place.Subkeys {
		image.Put32(image.Key(`WPA\`+name).Node, hivetest.NodeParent, free.Offset)
	}
	requireSound(t, image.Data)
	image.Put32(free.Offset, hivetest.NodeSecurity, hivetest.NIL)
	require.Len(t, findings(image.Data, check.Fatal), 1)
	return image
}

// TestTouch: damage is in the way of what it lies at, and of nothing else. Where
// an edit was not announced, what it has changed tells.
func TestTouch(t *testing.T) {
	allowed := Request{AllowDamage: true, Time: editTime}
	apply := func(edit func(d *Draft) error) error {
		_, err := Apply(load(t, damaged(t).Data), allowed, edit)
		return err
	}
	key := func(d *Draft, path string) *hive.Key {
		key, err := d.Hive.Key(path)
		require.NoError(t, err)
		return key
	}
	require.NoError(t, apply(func(d *Draft) error {
		require.True(t, d.Damaged())
		if err := d.Touch(key(d, "Select"), key(d, "Setup")); err != nil {
			return err
		}
		return key(d, "Setup").SetClass("class", d.Time)
	}))
	for name, edit := range map[string]func(d *Draft) error{
		"needed":  func(d *Draft) error { return d.Need(key(d, "WPA")) },
		"touched": func(d *Draft) error { return d.Touch(key(d, "Select"), key(d, "WPA")) },
		"not announced": func(d *Draft) error {
			require.NoError(t, key(d, "WPA").SetClass("class", d.Time))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var damaged *DamageError
			require.ErrorAs(t, apply(edit), &damaged)
			require.NotNil(t, damaged.Touching)
			require.Equal(t, "WPA", damaged.Touching.Path)
			require.ErrorContains(t, damaged, "the hive is damaged where it would be edited: F security-reference at ")
		})
	}
}

// TestFindings: of many some are kept, all are counted, and what is new among
// them is told.
func TestFindings(t *testing.T) {
	before, after := newFindings(), newFindings()
	for i := range 3 * keptFindings {
		f := check.Finding{Code: "parent", Level: check.Limited, Offset: int64(8 * i)}
		before.add(f)
		after.add(f)
	}
	require.Len(t, after.List, keptFindings)
	require.Equal(t, 3*keptFindings, after.Counts[check.Limited])
	require.Empty(t, after.graver(before))

	after.add(check.Finding{Code: "parent", Level: check.Limited, Offset: 9})
	require.Equal(t, "301 findings L parent, 300 before", after.graver(before))
	after.add(check.Finding{Code: "orphan-cell", Level: check.Warning})
	require.Contains(t, after.graver(before), "parent")
	after.add(check.Finding{Code: "subkey-order", Level: check.Fatal, Offset: 0x20, Message: "wrong"})
	require.Equal(t, "F subkey-order at 0x20: wrong", after.graver(before))
	require.Empty(t, before.graver(after), "less is not worse")
}
