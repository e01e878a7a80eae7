package main

import (
	"encoding/hex"
	"iter"

	"hivepatch/hive"
)

// dataSize is the number of bytes in pieces of data.
func dataSize(pieces [][]byte) int {
	size := 0
	for _, piece := range pieces {
		size += len(piece)
	}
	return size
}

// joined returns pieces of data as one.
func joined(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	data := make([]byte, 0, dataSize(pieces))
	for _, piece := range pieces {
		data = append(data, piece...)
	}
	return data
}

// isTextType reports whether data of a type is text in UTF-16.
func isTextType(kind hive.Type) bool {
	return kind == hive.SZ || kind == hive.ExpandSZ || kind == hive.Link || kind == hive.MultiSZ
}

// isNumberType reports whether data of a type is a number.
func isNumberType(kind hive.Type) bool {
	return kind == hive.DWord || kind == hive.DWordBigEndian || kind == hive.QWord
}

// rawChunks yields data as text that is not escaped, a part at a time: texts
// without the NULs at their end, numbers in decimal digits, bytes in hexadecimal
// ones.
func rawChunks(kind hive.Type, pieces [][]byte) iter.Seq[string] {
	if isTextType(kind) {
		return textChunks(pieces)
	}
	return func(yield func(string) bool) {
		if isNumberType(kind) {
			if dataSize(pieces) <= 8 {
				yield(dataText(kind, joined(pieces)))
				return
			}
			if !yield(hexPrefix) {
				return
			}
		}
		for chunk := range chunksOf(pieces) {
			if !yield(hex.EncodeToString(chunk)) {
				return
			}
		}
	}
}

// chunkSize is the most bytes of data that are turned to text at a time.
const chunkSize = 32 << 10

// chunksOf cuts pieces of data into chunks.
func chunksOf(pieces [][]byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, piece := range pieces {
			for len(piece) > 0 {
				n := min(len(piece), chunkSize)
				if !yield(piece[:n]) {
					return
				}
				piece = piece[n:]
			}
		}
	}
}

// textChunks decodes text in UTF-16, without the NULs at its end, in chunks that
// can be escaped one by one: none ends inside what is written as one.
func textChunks(pieces [][]byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		var chunk []byte
		for part := range chunksOf(trimmed(pieces)) {
			chunk = append(chunk, part...)
			n := wholeCharacters(chunk)
			if n > 0 && !yield(hive.DecodeText(chunk[:n])) {
				return
			}
			chunk = append(chunk[:0], chunk[n:]...)
		}
		if len(chunk) > 0 {
			yield(hive.DecodeText(chunk))
		}
	}
}

// trimmed takes the NUL characters and an odd byte from the end of a text in
// UTF-16. All pieces but the last have an even length.
func trimmed(pieces [][]byte) [][]byte {
	for n := len(pieces); n > 0; n-- {
		last := pieces[n-1]
		if last = trimNULs(last[:len(last)&^1]); len(last) > 0 {
			return append(pieces[:n-1:n-1], last)
		}
	}
	return nil
}

// longestEscape is the number of characters of \U0010ffff.
const longestEscape = 10

// wholeCharacters is the number of bytes at the start of a text in UTF-16 that
// can be written whatever follows: without half a pair, and without a backslash
// that may be the start of what must be escaped.
func wholeCharacters(text []byte) int {
	end := len(text) &^ 1
	for at := max(0, end-2*longestEscape); at < end; at += 2 {
		if text[at] == '\\' && text[at+1] == 0 {
			end = at
		}
	}
	if end >= 2 && text[end-1]&0xFC == 0xD8 {
		end -= 2
	}
	return end
}
