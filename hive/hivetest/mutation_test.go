package hivetest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// notBroken are the rules that no mutation breaks.
var notBroken = []int{51, 52, 53}

func TestMutations(t *testing.T) {
	names := map[string]bool{}
	covered := map[int]bool{}
	sound := map[string]bool{}
	for _, mutation := range Mutations() {
		require.False(t, names[mutation.Name], "two mutations %s", mutation.Name)
		names[mutation.Name] = true
		require.NotEmpty(t, mutation.Levels, mutation.Name)
		covered[mutation.Rules[0]] = true
		t.Run(mutation.Name, func(t *testing.T) {
			mutant, base := mutation.Build(), mutation.Base().Data
			if !sound[string(base)] && !bytes.Equal(base, mutant.Data) { // else the literal has the fault
				require.Empty(t, walk(base), "the base is not sound")
				sound[string(base)] = true
			}
			for _, span := range mutant.Where {
				require.Less(t, span.From, span.To)
				require.LessOrEqual(t, span.To, int64(len(mutant.Data)))
			}
			if len(mutant.Data) >= BaseBlockSize && mutation.Rules[0] != 1 {
				right := Checksum(mutant.Data) == (&Image{Data: mutant.Data}).Header32(AtChecksum)
				require.Equal(t, mutation.Rules[0] != 3, right, "checksum")
			}
			found := walk(mutant.Data)
			if mutation.Rules[0] != 54 { // which the walker does not know
				require.True(t, slices.ContainsFunc(mutation.Rules, func(rule int) bool { return found[rule] != nil }), "found %v", found)
			}
			if mutation.Cascade {
				return
			}
			for rule := range found {
				known := slices.Contains(mutation.Rules, rule) || slices.Contains(mutation.Also, rule)
				if !known && (rule == 0 || Rules()[rule-1].Level != LevelWarning) {
					require.Fail(t, "rule is broken too", "%d: %v", rule, found[rule])
				}
			}
		})
	}
	for _, rule := range Rules() {
		require.Equal(t, !slices.Contains(notBroken, rule.Number), covered[rule.Number], "rule %d", rule.Number)
	}
}

func TestRulesAreNumbered(t *testing.T) {
	require.Len(t, Rules(), 54)
	for i, rule := range Rules() {
		require.Equal(t, i+1, rule.Number)
		require.Contains(t, "FLCW", string(rule.Level))
	}
}

func TestFaultsAreSoundHives(t *testing.T) {
	names := map[string]bool{}
	sample := Windows10().Build().Data
	for _, fault := range Faults() {
		require.False(t, names[fault.Name], fault.Name)
		names[fault.Name] = true
		image := fault.Hive().Build()
		require.Empty(t, walk(image.Data), fault.Name)
		require.NotEqual(t, sample, image.Data, fault.Name)
	}
}
