//go:build !unix && !windows

package main

// identify returns nil: files are known by their paths alone here.
func identify(string) any { return nil }
