package hive_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive"
)

// orders are ways in which many names may come.
var orders = []struct {
	name string
	of   func(n int) []string
}{
	{"rising", func(n int) []string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("key%07d", i)
		}
		return names
	}},
	{"random", func(n int) []string {
		names := make([]string, n)
		for i, j := range rand.New(rand.NewPCG(31, 32)).Perm(n) {
			names[i] = fmt.Sprintf("key%07d", j)
		}
		return names
	}},
}

func newHive(tb testing.TB) (*hive.Hive, *hive.Key) {
	tb.Helper()
	h, err := hive.New(5, now)
	require.NoError(tb, err)
	root, err := h.Root()
	require.NoError(tb, err)
	return h, root
}

// BenchmarkManyKeys makes, looks up and deletes many keys under one. The time of
// one must not grow with their number.
func BenchmarkManyKeys(b *testing.B) {
	for _, order := range orders {
		for _, n := range []int{10_000, 1_000_000} {
			names := order.of(n)
			h, root := newHive(b)
			perKey := func(name string, run func(name string) error) {
				b.Run(fmt.Sprintf("%s/%s/%d", name, order.name, n), func(b *testing.B) {
					if b.N > 1 {
						b.Skip("once is enough")
					}
					for _, name := range names {
						if err := run(name); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/key")
				})
			}
			perKey("create", func(name string) error {
				_, err := root.CreateSubkey(name, now)
				return err
			})
			perKey("look up", func(name string) error {
				_, err := root.Subkey(name)
				return err
			})
			perKey("delete", func(name string) error {
				key, err := root.Subkey(name)
				if err != nil {
					return err
				}
				return key.Delete(now)
			})
			require.Less(b, len(h.Bytes()), 1<<20)
		}
	}
}
