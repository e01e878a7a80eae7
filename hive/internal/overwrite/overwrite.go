// Package overwrite has what all ways of writing a hive over another one have
// in common: the pages in which they differ, and the header of a hive that is
// being written.
package overwrite

import "bytes"

// PageSize is the unit in which Windows writes hives, in bytes.
const PageSize = 4096

// Span is a run of bytes, from From up to but not including To.
type Span struct{ From, To int }

// Differences returns the runs of pages in which old and now differ, which have
// the same length. The last page may be short.
func Differences(old, now []byte) (runs []Span) {
	for from := 0; from < len(now); from += PageSize {
		to := min(from+PageSize, len(now))
		if bytes.Equal(old[from:to], now[from:to]) {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].To == from {
			runs[n-1].To = to
		} else {
			runs = append(runs, Span{from, to})
		}
	}
	return runs
}
