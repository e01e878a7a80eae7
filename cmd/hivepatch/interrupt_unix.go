//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// dieOf ends the program by a signal, which nobody watches any more: shells so
// know that a loop is to end too.
func dieOf(got os.Signal) {
	signal.Reset(got)
	number, _ := got.(syscall.Signal)
	_ = syscall.Kill(syscall.Getpid(), number)
	time.Sleep(10 * time.Second) // the runtime takes a moment to pass it on
	os.Exit(128 + int(number))   // where it was blocked
}
