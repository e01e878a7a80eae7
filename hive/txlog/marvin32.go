package txlog

import (
	"encoding/binary"
	"math/bits"
)

// hashSeed is the seed of both hashes of a log entry.
const hashSeed = 0x82EF4D887A4E55C5

// marvin32 is the hash function of log entries. The result's lower half is the
// first word of the final state, which is how it lies in the log.
func marvin32(seed uint64, data []byte) uint64 {
	lo, hi := uint32(seed), uint32(seed>>32)
	for len(data) >= 4 {
		lo, hi = marvinBlock(lo, hi, binary.LittleEndian.Uint32(data))
		data = data[4:]
	}
	tail := uint32(0x80)
	for i := len(data) - 1; i >= 0; i-- {
		tail = tail<<8 | uint32(data[i])
	}
	lo, hi = marvinBlock(lo, hi, tail)
	lo, hi = marvinBlock(lo, hi, 0)
	return uint64(hi)<<32 | uint64(lo)
}

func marvinBlock(lo, hi, v uint32) (uint32, uint32) {
	lo += v
	hi ^= lo
	lo = bits.RotateLeft32(lo, 20) + hi
	hi = bits.RotateLeft32(hi, 9) ^ lo
	lo = bits.RotateLeft32(lo, 27) + hi
	hi = bits.RotateLeft32(hi, 19)
	return lo, hi
}
