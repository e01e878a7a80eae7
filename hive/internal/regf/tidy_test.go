package regf

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest"
)

// TestTidyLeavesGrowingLists adds keys in an order that comes to one list after
// the other. A new layout makes all of them full, and nearly every key that
// comes then splits one: were the halves taken for waste, the image would be laid
// out anew after every hundredth key, however many there are.
func TestTidyLeavesGrowingLists(t *testing.T) {
	m, err := New(5, name(t, "ROOT"), hivetest.DefaultDescriptor(), 1)
	require.NoError(t, err)
	for i := range 60_000 {
		_, err := m.AddKey(m.BaseBlock().RootCell(), name(t, fmt.Sprintf("key%07d", i*7919%1_000_000)), 1)
		require.NoError(t, err)
		m.Tidy()
	}
	require.Zero(t, m.Layout())
	require.Less(t, m.freeIndex().bytes, m.BinsSize()/11)
}
