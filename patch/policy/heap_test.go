package policy

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
	"hivepatch/patch"
)

// The desktop heap sizes of a policy become what package patch makes of them,
// whatever the value was: the same bytes, or an error on both sides.
func TestHeapAsPatch(t *testing.T) {
	for _, repair := range []bool{false, true} {
		text := "desktop_heap: {noninteractive: 4096}\n"
		if repair {
			text = "desktop_heap: {noninteractive: 4096, repair: true}\n"
		}
		s := system(t, text)
		for _, fault := range hivetest.Faults() {
			t.Run(fault.Name, func(t *testing.T) {
				data := fault.Hive().Build().Data
				file := load(t, data)
				report, patchErr := patch.Apply(file, patch.Request{
					Time: editTime,
					Edit: patch.EditRequest{Repair: repair, Sizes: patch.Sizes{Noninteractive: patch.KB(4096)}},
				})
				after, plan, _, err := apply(data, s, Options{})
				if patchErr != nil {
					require.Error(t, err)
					require.Contains(t, err.Error(), "line 4, column ")
					requireProblem(t, s, data)
					return
				}
				require.NoError(t, err)
				require.True(t, bytes.Equal(file.Hive.Bytes(), after))
				require.Len(t, plan.Differences, 1)
				require.Equal(t, report.ControlSets[0].After, plan.Differences[0].Heap.Want)
				again, _, _, err := apply(after, s, Options{})
				require.NoError(t, err)
				require.True(t, bytes.Equal(after, again))
			})
		}
	}
}

// requireProblem requires that a hive which cannot be made so differs all the
// same, where its control sets are known.
func requireProblem(t *testing.T, s *Section, data []byte) {
	t.Helper()
	plan, err := s.Plan(load(t, data).Hive, Options{})
	if err != nil {
		require.ErrorContains(t, err, "control_set active")
		return
	}
	require.Len(t, plan.Differences, 1)
	require.NotEmpty(t, plan.Differences[0].Heap.Problem)
	require.NotContains(t, plan.Differences[0].Heap.Problem, "--repair")
	require.NotContains(t, plan.Differences[0].Heap.Problem, "--control-set")
}
