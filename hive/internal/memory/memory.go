// Package memory gets memory for whole hives at little cost.
package memory

// New returns a zeroed buffer of length bytes that can grow to capacity without
// being moved. What is not used costs no memory.
func New(length, capacity int) []byte {
	buffer := make([]byte, capacity)
	preferHugePages(buffer)
	return buffer[:length]
}
