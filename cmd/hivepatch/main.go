// Command hivepatch mends SharedSection in offline SYSTEM hives of Windows, and
// shows, checks and recovers registry hives.
package main

import (
	"os"
	"runtime/debug"
	"time"
)

func main() {
	// Nearly all memory is the hive itself, in one piece without pointers:
	// collecting garbage more often than this frees nothing.
	debug.SetGCPercent(800)
	stderr := &messages{file: os.Stderr}
	env := &environment{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: stderr,
		getenv: os.Getenv,
		now:    time.Now,
	}
	env.watch(stderr, dieOf)
	os.Exit(run(env, os.Args[1:]))
}
