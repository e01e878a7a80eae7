package edit

import (
	"bytes"
	"strings"

	"hivepatch/hive"
	"hivepatch/hive/check"
)

// damage is where findings of level F lie: one for each place.
type damage struct {
	header *check.Finding
	bins   map[int64]check.Finding  // by file offset of the bin
	keys   map[string]check.Finding // by path of the key, in lower case
}

func (d *damage) add(h *hive.Hive, f check.Finding) {
	if f.Level != check.Fatal {
		return
	}
	if d.bins == nil {
		d.bins, d.keys = map[int64]check.Finding{}, map[string]check.Finding{}
	}
	if f.Offset < hive.BaseBlockSize {
		if d.header == nil {
			d.header = &f
		}
	} else if start, ok := h.BinAt(f.Offset); ok {
		setOnce(d.bins, start, f)
	}
	if f.Path != "" {
		setOnce(d.keys, strings.ToLower(f.Path), f)
	}
}

func setOnce[K comparable](m map[K]check.Finding, key K, f check.Finding) {
	if _, known := m[key]; !known {
		m[key] = f
	}
}

// area is the part of a hive that an edit depends on: the base block, the bins
// with everything on the way to keys and their values, and the keys on it.
type area struct {
	hive *hive.Hive
	bins map[int64]bool  // by file offset of the bin
	keys map[string]bool // by path, in lower case
}

func newArea(h *hive.Hive) area {
	return area{hive: h, bins: map[int64]bool{}, keys: map[string]bool{}}
}

// addWay adds the values of a key and what leads to it.
func (a *area) addWay(key *hive.Key) {
	for _, cell := range key.ValueCells() {
		a.addBin(cell)
	}
	for _, key := range key.Ancestry() {
		a.keys[strings.ToLower(key.Path())] = true
		for _, cell := range key.Cells() {
			a.addBin(cell)
		}
	}
}

func (a *area) addBin(offset int64) {
	if start, ok := a.hive.BinAt(offset); ok {
		a.bins[start] = true
	}
}

// addChanged adds the bins that are not what they were in old.
func (a *area) addChanged(old []byte) {
	const page = 4096
	data := a.hive.Bytes()
	for at := hive.BaseBlockSize; at < len(old) && at < len(data); at += page {
		end := min(at+page, len(old), len(data))
		if !bytes.Equal(old[at:end], data[at:end]) {
			a.addBin(int64(at))
		}
	}
}

// refuse returns a DamageError, which nothing overrides, where damage lies in
// an area. found is all that was found.
func (d *damage) refuse(a area, found Findings) error {
	touching := d.in(a)
	if touching == nil {
		return nil
	}
	return &DamageError{Findings: found, Touching: touching}
}

// in returns the first finding in an area, by its offset, or nil.
func (d *damage) in(a area) (first *check.Finding) {
	if d.header != nil {
		return d.header
	}
	consider := func(f check.Finding) {
		if first == nil || f.Offset < first.Offset {
			first = &f
		}
	}
	for start, f := range d.bins {
		if a.bins[start] {
			consider(f)
		}
	}
	for path, f := range d.keys {
		if a.keys[path] {
			consider(f)
		}
	}
	return first
}
