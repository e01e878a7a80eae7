//go:build !unix && !windows

package main

import "os"

// isTerminal reports whether a file is a terminal, which cannot be told here.
func isTerminal(*os.File) bool { return false }
