//go:build !unix

package hivefile

// doNotWait is for systems on which a pipe is no file in a folder.
const doNotWait = 0
