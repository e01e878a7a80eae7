// Package bitmap holds sets of small numbers, one bit each.
package bitmap

import "math/bits"

// Bitmap is a set of numbers that grows as they are added. The zero value is
// an empty set.
type Bitmap []uint64

// New returns an empty set that holds numbers below n without growing.
func New(n uint32) Bitmap { return make(Bitmap, (uint64(n)+63)/64) }

// Grow makes room for the numbers below n, so that Take and Remove work on
// them.
func (b *Bitmap) Grow(n uint32) {
	if words := int((uint64(n) + 63) / 64); words > len(*b) {
		*b = append(*b, make([]uint64, words-len(*b))...)
	}
}

// Has reports whether i is in the set.
func (b Bitmap) Has(i uint32) bool {
	word := int(i / 64)
	return word < len(b) && b[word]>>(i%64)&1 != 0
}

// Add puts i into the set.
func (b *Bitmap) Add(i uint32) {
	for int(i/64) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

// Take puts i into the set if it is in other, and reports whether it was in
// other and not in the set before.
func (b Bitmap) Take(i uint32, other Bitmap) bool {
	word, bit := int(i/64), uint64(1)<<(i%64)
	if word >= len(b) || word >= len(other) || other[word]&bit == 0 || b[word]&bit != 0 {
		return false
	}
	b[word] |= bit
	return true
}

// Remove takes i out of the set.
func (b Bitmap) Remove(i uint32) {
	if word := int(i / 64); word < len(b) {
		b[word] &^= 1 << (i % 64)
	}
}

// Before returns the largest member below i, or false when there is none.
func (b Bitmap) Before(i uint32) (uint32, bool) {
	word := int(i / 64)
	if word >= len(b) {
		word, i = len(b), 0
	}
	for keep := uint64(1)<<(i%64) - 1; ; keep = ^uint64(0) {
		if word < len(b) {
			if set := b[word] & keep; set != 0 {
				return uint32(64*word + 63 - bits.LeadingZeros64(set)), true
			}
		}
		if word == 0 {
			return 0, false
		}
		word--
	}
}

// From returns the smallest member that is at least i, or false when there is
// none.
func (b Bitmap) From(i uint32) (uint32, bool) {
	keep := ^uint64(0) << (i % 64)
	for word := int(i / 64); word < len(b); word++ {
		if set := b[word] & keep; set != 0 {
			return uint32(64*word + bits.TrailingZeros64(set)), true
		}
		keep = ^uint64(0)
	}
	return 0, false
}

// Without iterates over the members of b that are not in other, in rising
// order.
func (b Bitmap) Without(other Bitmap) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for word, set := range b {
			if word < len(other) {
				set &^= other[word]
			}
			for ; set != 0; set &= set - 1 {
				if !yield(uint32(64*word + bits.TrailingZeros64(set))) {
					return
				}
			}
		}
	}
}

// Range iterates over the members from lo up to but without hi, in rising
// order. Members may be removed meanwhile.
func (b Bitmap) Range(lo, hi uint32) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for i, ok := b.From(lo); ok && i < hi; i, ok = b.From(i + 1) {
			if !yield(i) {
				return
			}
		}
	}
}

// TakeRange puts the numbers from lo up to but without hi into the set, which
// has the room for them, and reports whether one of them was in it before.
func (b Bitmap) TakeRange(lo, hi uint32) (before bool) {
	if word, from := lo/64, lo%64; lo <= hi && hi-lo <= 64-from && int(word) < len(b) { // as most do
		mask := (uint64(1)<<(hi-lo) - 1) << from
		before = b[word]&mask != 0
		b[word] |= mask
		return before
	}
	for lo < hi {
		word, from := lo/64, lo%64
		n := min(64-from, hi-lo)
		mask := ^uint64(0) >> (64 - n) << from
		if int(word) >= len(b) {
			return before
		}
		before = before || b[word]&mask != 0
		b[word] |= mask
		lo += n
	}
	return before
}

// HasRange reports whether all numbers from lo up to but without hi are in the
// set.
func (b Bitmap) HasRange(lo, hi uint32) bool {
	for lo < hi {
		word, from := lo/64, lo%64
		n := min(64-from, hi-lo)
		mask := ^uint64(0) >> (64 - n) << from
		if int(word) >= len(b) || b[word]&mask != mask {
			return false
		}
		lo += n
	}
	return true
}
