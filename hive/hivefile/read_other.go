//go:build !linux

package hivefile

// newBuffer returns a zeroed buffer of size bytes.
func newBuffer(size int) []byte { return make([]byte, size, size+spare) }
