//go:build unix

package hivefile

import "syscall"

// doNotWait makes opening a pipe succeed at once.
const doNotWait = syscall.O_NONBLOCK
