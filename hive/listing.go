package hive

import (
	"iter"

	"hivepatch/hive/internal/regf"
)

// Walk iterates over k and all keys below it as [Hive.Walk] does over all keys
// of the hive.
func (k *Key) Walk() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) { k.walk(yield, len(k.Ancestry())) }
}

// SecurityOffset returns the absolute file offset of the record that holds the
// key's security descriptor. Keys with equal descriptors mostly share one. It
// is 0 when the key is gone; nothing tells that there is a sound record.
func (k *Key) SecurityOffset() int64 {
	node, err := k.node()
	if err != nil {
		return 0
	}
	return node.Security().File()
}

// Tombstone reports whether the key is one of a differencing hive (version 1.6)
// that stands for a deleted key of the hive below it.
func (k *Key) Tombstone() bool {
	const semantics, tombstone = 3, 1
	node, err := k.node()
	return err == nil && k.hive.layered() && node.Layer()&semantics == tombstone
}

// Tombstone reports whether the value is one of a differencing hive (version
// 1.6) that stands for a deleted value of the hive below it.
func (v *Value) Tombstone() bool {
	record, err := v.record()
	return err == nil && v.key.hive.layered() && record.Flags()&regf.ValueTombstone != 0
}

func (h *Hive) layered() bool { return h.image.Minor() == 6 }

// Size returns the number of bytes of the data as the value declares it; that
// many need not be there. It is 0 when the value is gone.
func (v *Value) Size() int64 {
	record, err := v.record()
	if err != nil {
		return 0
	}
	return int64(record.DataLength())
}

// DataPieces returns the data in the pieces in which it is stored: one, or some
// of 16,344 bytes and the rest where it is big, or none where there is no data.
// They are the hive's own memory: valid until the next edit, and not to be
// changed. It returns a FormatError when the cells that hold the data are
// unsound.
func (v *Value) DataPieces() ([][]byte, error) {
	record, err := v.record()
	if err != nil {
		return nil, err
	}
	return v.key.hive.image.DataPieces(record)
}
