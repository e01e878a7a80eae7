//go:build !unix

package hive_test

import (
	"testing"
	"time"
)

var start = time.Now()

// cpuTime returns the time on the clock, where the CPU time is not to be had.
func cpuTime(testing.TB) time.Duration { return time.Since(start) }
