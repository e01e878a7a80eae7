// Command hivepatch mends SharedSection in offline SYSTEM hives of Windows, and
// shows, checks and recovers registry hives.
package main

import (
	"os"
	"time"
)

func main() {
	os.Exit(run(&environment{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
		now:    time.Now,
	}, os.Args[1:]))
}
