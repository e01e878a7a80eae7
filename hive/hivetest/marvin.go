package hivetest

import (
	"encoding/binary"
	"math/bits"
)

// logSeed is the seed of the hashes in transaction logs.
const logSeed = 0x82EF4D887A4E55C5

// Marvin32 returns the hash of data that transaction logs store, with the seed
// that they use.
func Marvin32(data []byte) uint64 {
	return marvin32(logSeed, data)
}

func marvin32(seed uint64, data []byte) uint64 {
	low, high := uint32(seed), uint32(seed>>32)
	mix := func(v uint32) {
		low += v
		high ^= low
		low = bits.RotateLeft32(low, 20) + high
		high = bits.RotateLeft32(high, 9) ^ low
		low = bits.RotateLeft32(low, 27) + high
		high = bits.RotateLeft32(high, 19)
	}
	for ; len(data) >= 4; data = data[4:] {
		mix(binary.LittleEndian.Uint32(data))
	}
	last := [4]byte{}
	last[copy(last[:], data)] = 0x80
	mix(binary.LittleEndian.Uint32(last[:]))
	mix(0)
	return uint64(high)<<32 | uint64(low)
}
