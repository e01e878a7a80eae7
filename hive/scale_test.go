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
	{"strided", strided}, // comes to one list of subkeys after the other
}

// strided returns n names, 7919 apart in their order. It has no divisor in
// common with the numbers of them here.
func strided(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("key%07d", i*7919%n)
	}
	return names
}

func newHive(tb testing.TB) (*hive.Hive, *hive.Key) {
	tb.Helper()
	h, err := hive.New(5, now)
	require.NoError(tb, err)
	root, err := h.Root()
	require.NoError(tb, err)
	return h, root
}

// BenchmarkManyKeys makes, looks up, lists and deletes many keys under one. The
// time of one must not grow with their number.
func BenchmarkManyKeys(b *testing.B) {
	for _, order := range orders {
		for _, n := range []int{10_000, 1_000_000} {
			names := order.of(n)
			h, root := newHive(b)
			s := scale{b, fmt.Sprintf("%s/%d", order.name, n), names}
			s.each("create", func(name string) error {
				_, err := root.CreateSubkey(name, now)
				return err
			})
			s.each("look up", func(name string) error {
				_, err := root.Subkey(name)
				return err
			})
			s.all("list", func() error {
				for _, err := range root.Subkeys() {
					if err != nil {
						return err
					}
				}
				return nil
			})
			s.each("delete", func(name string) error {
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

// BenchmarkManyValues makes, looks up, lists and deletes many values of one key.
// The time of one must not grow with their number.
func BenchmarkManyValues(b *testing.B) {
	for _, order := range orders {
		for _, n := range []int{10_000, 200_000} {
			names := order.of(n)
			h, root := newHive(b)
			s := scale{b, fmt.Sprintf("%s/%d", order.name, n), names}
			s.each("create", func(name string) error {
				_, err := root.SetValue(name, hive.SZ, []byte("d\x00a\x00t\x00a\x00\x00\x00"), now)
				return err
			})
			s.each("look up", func(name string) error {
				_, err := root.Value(name)
				return err
			})
			s.all("list", func() error {
				for v, err := range root.Values() {
					if err == nil {
						_, err = v.Data()
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			s.each("delete", func(name string) error {
				v, err := root.Value(name)
				if err != nil {
					return err
				}
				return v.Delete(now)
			})
			require.Less(b, len(h.Bytes()), 1<<20)
		}
	}
}

// scale is a benchmark of things with many names.
type scale struct {
	b     *testing.B
	name  string
	names []string
}

// each does something with each name, once, and tells the CPU time of one.
func (s scale) each(what string, run func(name string) error) {
	s.all(what, func() error {
		for _, name := range s.names {
			if err := run(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// all does something with all, once, and tells the CPU time of one.
func (s scale) all(what string, run func() error) {
	s.b.Run(what+"/"+s.name, func(b *testing.B) {
		if b.N > 1 {
			b.Skip("once is enough")
		}
		before := cpuTime(b)
		if err := run(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(len(s.names)), "cpu-ns/one")
	})
}
