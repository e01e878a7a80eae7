package diff

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/hivetest"
)

// open opens a hive as damaged as it may be.
func open(t testing.TB, data []byte) *hive.Hive {
	t.Helper()
	h, err := hive.Open(data, hive.IgnoreDirty(), hive.Tolerant())
	require.NoError(t, err)
	return h
}

func build(t testing.TB, h hivetest.Hive) *hive.Hive {
	t.Helper()
	return open(t, h.Build().Data)
}

// describe writes a difference in one line: + or - for what is on one side, !
// for what differs, with a dot where the key above is on that side only too.
func describe(d Difference) string {
	mark := [...]string{"-", "+", "!"}[d.Kind]
	if d.Below {
		mark += "."
	}
	text := mark + " " + d.Path
	if d.IsValue {
		item := d.B
		if d.A != nil {
			item = d.A
		}
		text += fmt.Sprintf(" @%s", item.Name)
	}
	if d.Aspects != 0 {
		text += ": " + d.Aspects.String()
	}
	return text
}

// describeAll collects the differences, and the errors behind "error: ".
func describeAll(t testing.TB, a, b *hive.Hive, options Options) []string {
	t.Helper()
	var lines []string
	for difference, err := range Hives(a, b, options) {
		if err != nil {
			lines = append(lines, "error: "+err.Error())
			continue
		}
		requireSides(t, difference)
		lines = append(lines, describe(difference))
	}
	return lines
}

// requireSides: the items are there that the kind promises.
func requireSides(t testing.TB, d Difference) {
	t.Helper()
	require.Equal(t, d.Kind != OnlyB, d.A != nil, describe(d))
	require.Equal(t, d.Kind != OnlyA, d.B != nil, describe(d))
	require.Equal(t, d.Kind == Differs, d.Aspects != 0, describe(d))
}

// corpusFile returns a real hive, or skips the test.
func corpusFile(t testing.TB, name string) []byte {
	t.Helper()
	folder := os.Getenv("HIVEPATCH_CORPUS")
	if folder == "" {
		t.Skip("HIVEPATCH_CORPUS does not name a folder of real hives")
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return data
}
