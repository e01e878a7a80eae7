package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// codes has the code of this package for each rule of hivetest, by number.
var codes = []string{
	1: "not-a-hive", 2: "not-a-hive", 3: "checksum", 4: "sequence-numbers", 5: "cluster-factor",
	6: "bins-size", 7: "root-cell", 8: "time-stamps", 9: "base-block-flags", 10: "bin-chain",
	11: "cell-size", 12: "free-neighbours", 13: "cell-rounding", 14: "reference", 15: "shared-cell",
	16: "orphan-cell", 17: "key-node", 18: "key-name-length", 19: "parent", 20: "key-name-odd",
	21: "key-name-form", 22: "key-name-backslash", 23: "key-flags", 24: "subkey-count",
	25: "subkey-list", 26: "subkey-list-size", 27: "subkey-order", 28: "subkey-hash",
	29: "subkey-hint", 30: "list-kind", 31: "list-size", 32: "depth", 33: "value-list",
	34: "value-record", 35: "inline-length", 36: "empty-data", 37: "value-data", 38: "big-data",
	39: "old-big-data", 40: "inline-form", 41: "default-value", 42: "duplicate-value",
	43: "symbolic-link", 44: "class-name", 45: "security-reference", 46: "security-ring",
	47: "security-count", 48: "security-descriptor", 49: "security-duplicate", 50: "maxima",
	51: "volatile-fields", 52: "trailing-bytes", 53: "logs", 54: "layered-keys",
}

func codesOf(numbers []int) []string {
	list := make([]string, len(numbers))
	for i, number := range numbers {
		list[i] = codes[number]
	}
	return list
}

func collect(data []byte) []Finding {
	var list []Finding
	Bytes(data, func(f Finding) { list = append(list, f) })
	return list
}

// TestMutations damages a sound hive in every named way and wants the fault
// found, in its place and at its level, and nothing else.
func TestMutations(t *testing.T) {
	for _, mutation := range hivetest.Mutations() {
		t.Run(mutation.Name, func(t *testing.T) {
			mutant, base := mutation.Build(), mutation.Base().Data
			if !bytes.Equal(base, mutant.Data) { // else the fault is in the literal
				requireLesser(t, base)
			}
			findings := collect(mutant.Data)
			expected := codesOf(mutation.Rules)
			found := slices.ContainsFunc(findings, func(f Finding) bool {
				return slices.Contains(expected, f.Code) && strings.Contains(mutation.Levels, string(f.Level)) && inPlace(f, mutant.Where)
			})
			require.True(t, found, "want one of %v at level %q in %v, got %s", expected, mutation.Levels, mutant.Where, text(findings))
			if mutation.Cascade {
				return
			}
			allowed := append(expected, codesOf(mutation.Also)...)
			for _, f := range findings {
				if f.Level != Warning {
					require.Contains(t, allowed, f.Code, "also found: %s", f)
				}
			}
		})
	}
}

// requireLesser wants no finding of level F or L.
func requireLesser(t *testing.T, data []byte) {
	t.Helper()
	for _, f := range collect(data) {
		require.Contains(t, []Level{Warning, Convention}, f.Level, f.String())
	}
}

func inPlace(f Finding, where []hivetest.Span) bool {
	return where == nil || slices.ContainsFunc(where, func(s hivetest.Span) bool {
		return f.Offset >= s.From && f.Offset < s.To
	})
}

func text(findings []Finding) string {
	lines := []string{fmt.Sprintf("%d findings", len(findings))}
	for _, f := range findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// TestSamples wants no finding worth a word in the hives that other tests
// build on.
func TestSamples(t *testing.T) {
	for name, image := range map[string]*hivetest.Image{
		"nt4":       hivetest.NT4().Build(),
		"windows10": hivetest.Windows10().Build(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range collect(image.Data) {
				require.Equal(t, Warning, f.Level, f.String())
			}
		})
	}
}

// TestRules wants every rule but those about versions and edits to be one that
// hivetest knows, so that it is tested above, and every one of those to have a
// code.
func TestRules(t *testing.T) {
	known := codes[1:]
	for _, rule := range Rules() {
		if rule.Code != codeVersion && rule.Code != codeReach {
			require.Contains(t, known, rule.Code)
		}
	}
	for _, rule := range hivetest.Rules() {
		require.Contains(t, rules, codes[rule.Number], rule.Text)
	}
}
