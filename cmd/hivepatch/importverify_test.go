package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
	"hivepatch/hive/regfile"
)

// TestImportReadsBack holds a hive against what several entries say of one
// value: the last one decides, and what is not so is an error.
func TestImportReadsBack(t *testing.T) {
	set := func(name, data string) importStep {
		return importStep{kind: regfile.SetValue, path: "Key", name: name, valueType: hive.Binary, data: []byte(data)}
	}
	unset := func(name string) importStep {
		return importStep{kind: regfile.DeleteValue, path: "Key", name: name}
	}
	deleteKey := importStep{kind: regfile.DeleteKey, path: "Key"}
	for name, test := range map[string]struct {
		steps []importStep
		want  string // the error, "" for none
	}{
		"as it is":              {[]importStep{set("A", "1")}, ""},
		"in other case":         {[]importStep{set("a", "2"), set("A", "1")}, ""},
		"set again":             {[]importStep{set("A", "2"), unset("a"), set("A", "1")}, ""},
		"deleted in the end":    {[]importStep{set("B", "1"), unset("b")}, ""},
		"key deleted before":    {[]importStep{set("C", "1"), deleteKey, set("A", "1")}, ""},
		"other data":            {[]importStep{set("A", "2")}, `value A of key Key is not the one written`},
		"shorter data":          {[]importStep{set("A", "")}, `value A of key Key is not the one written`},
		"longer data":           {[]importStep{set("A", "11")}, `value A of key Key is not the one written`},
		"missing":               {[]importStep{unset("B"), set("B", "1")}, `value B of key Key: not found`},
		"still there":           {[]importStep{set("A", "1"), unset("a")}, `value a of key Key is still there`},
		"key still there":       {[]importStep{deleteKey}, `key Key is still there`},
		"key missing":           {[]importStep{{kind: regfile.CreateKey, path: "No"}}, `key No: not found`},
		"large, in pieces":      {[]importStep{set("Large", string(make([]byte, 40_000)))}, ""},
		"large, of other bytes": {[]importStep{set("Large", string(make([]byte, 39_999))+"x")}, `value Large of key Key is not the one written`},
	} {
		t.Run(name, func(t *testing.T) {
			written, err := hive.New(5, time.Unix(0, 0))
			require.NoError(t, err)
			key, err := written.CreateKey("Key", time.Unix(0, 0))
			require.NoError(t, err)
			for name, data := range map[string][]byte{"A": []byte("1"), "Large": make([]byte, 40_000)} {
				_, err = key.SetValue(name, hive.Binary, data, time.Unix(0, 0))
				require.NoError(t, err)
			}
			var i importer
			for _, step := range test.steps {
				i.note(step)
			}
			err = i.readBack(written)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}
