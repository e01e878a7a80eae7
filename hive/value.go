package hive

import (
	"bytes"
	"fmt"
	"iter"
	"time"

	"hivepatch/hive/internal/regf"
)

// Type is the type of a value's data. Windows defines the ones below; any
// other number may occur.
type Type uint32

// Types of data.
const (
	None                     Type = 0
	SZ                       Type = 1
	ExpandSZ                 Type = 2
	Binary                   Type = 3
	DWord                    Type = 4
	DWordBigEndian           Type = 5
	Link                     Type = 6
	MultiSZ                  Type = 7
	ResourceList             Type = 8
	FullResourceDescriptor   Type = 9
	ResourceRequirementsList Type = 10
	QWord                    Type = 11
)

var typeNames = [...]string{
	"REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD",
	"REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST",
	"REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD",
}

// String returns the name that Windows gives the type, such as REG_SZ, or the
// number of one that has none.
func (t Type) String() string {
	if int64(t) < int64(len(typeNames)) {
		return typeNames[t]
	}
	return fmt.Sprintf("%#x", uint32(t))
}

// Value is a value of a key.
type Value struct {
	key    *Key
	cell   regf.Offset
	layout int // see Key
	name   string
}

func (k *Key) newValue(record regf.ValueRecord) *Value {
	return &Value{key: k, cell: record.Offset, layout: k.hive.image.Layout(), name: record.Name().String()}
}

// Values iterates over the values that the key has now, in stored order. What
// cannot be read comes as an error; the iteration then goes on. The value just
// yielded may be edited or deleted.
func (k *Key) Values() iter.Seq2[*Value, error] {
	return func(yield func(*Value, error) bool) {
		node, err := k.node()
		if err != nil {
			yield(nil, err)
			return
		}
		list, err := k.hive.image.ValueList(node)
		if err != nil {
			yield(nil, err)
			return
		}
		defer k.hive.iterate()()
		list = bytes.Clone(list)
		room := room{hive: k.hive}
		for i := range list.Len() {
			record, err := k.hive.image.ValueRecord(list.At(i))
			switch {
			case err != nil:
				if !yield(nil, err) {
					return
				}
			case !room.holds(record.Record()):
				yield(nil, k.corrupt("the list of values ends here: it names more than the hive has room for"))
				return
			case !yield(k.newValue(record), nil):
				return
			}
		}
	}
}

// Value returns the value of that name, without regard to case; "" is the
// default value. It returns an error that wraps ErrNotFound when there is
// none, or a FormatError.
func (k *Key) Value(name string) (*Value, error) {
	encoded, err := regf.NewName(name)
	if err != nil {
		return nil, err
	}
	value, err := k.value(encoded)
	if err == nil && value == nil {
		return nil, fmt.Errorf("%s: %w", describeValue(name, k.Path()), ErrNotFound)
	}
	return value, err
}

// FindValue is Value for a name that may well be missing: it then returns nil and
// no error.
func (k *Key) FindValue(name string) (*Value, error) {
	encoded, err := regf.NewName(name)
	if err != nil {
		return nil, err
	}
	return k.value(encoded)
}

// value returns the value of that name, or nil when there is none.
func (k *Key) value(name regf.Name) (*Value, error) {
	node, err := k.node()
	if err != nil {
		return nil, err
	}
	record, found, err := k.hive.image.FindValue(node, name)
	if err != nil || !found {
		return nil, err
	}
	return k.newValue(record), nil
}

// Key returns the key that the value belongs to.
func (v *Value) Key() *Key { return v.key }

// Name returns the value's name as stored, "" for the default value.
func (v *Value) Name() string { return v.name }

// Offset returns the absolute file offset of the value's cell.
func (v *Value) Offset() int64 {
	_ = v.refresh() // a value that is gone has the place that it had
	return v.cell.File()
}

// refresh finds the value's record again after all cells have moved.
func (v *Value) refresh() error {
	h := v.key.hive
	if h.image.Layout() == 0 {
		return nil // cells have never moved
	}
	h.finding.Lock()
	defer h.finding.Unlock()
	if v.layout == h.image.Layout() {
		return nil
	}
	if err := v.key.find(); err != nil {
		return err
	}
	node, err := h.image.KeyNode(v.key.cell)
	if err != nil {
		return err
	}
	name, err := regf.NewName(v.name)
	if err != nil {
		return err
	}
	record, found, err := h.image.OnlyValue(node, name)
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", describeValue(v.name, v.key.Path()), err)
	}
	v.cell, v.layout = record.Offset, h.image.Layout()
	return nil
}

// record returns the value's record as it stands in the image now.
func (v *Value) record() (regf.ValueRecord, error) {
	if err := v.refresh(); err != nil {
		return regf.ValueRecord{}, err
	}
	return v.key.hive.image.ValueRecord(v.cell)
}

// beginEdit prepares the hive for an edit of the value.
func (v *Value) beginEdit() error {
	if err := v.key.beginEdit(); err != nil {
		return err
	}
	return v.refresh()
}

// Type returns the type of the data, or None when the value is gone.
func (v *Value) Type() Type {
	record, err := v.record()
	if err != nil {
		return None
	}
	return Type(record.Type())
}

// Data returns a copy of the data. It returns a FormatError when the cells
// that hold it are unsound.
func (v *Value) Data() ([]byte, error) {
	record, err := v.record()
	if err != nil {
		return nil, err
	}
	data, err := v.key.hive.image.ValueData(record)
	return bytes.Clone(data), err
}

// SetData gives the value a type and data, which is copied, and its key the time
// t as last write time. The data must not be part of [Hive.Bytes]. Nothing changes when both are there
// already. It returns an error that wraps ErrReadOnly or ErrTooLarge, or a
// FormatError; the hive is then as before.
func (v *Value) SetData(kind Type, data []byte, t time.Time) error {
	h := v.key.hive
	if err := v.beginEdit(); err != nil {
		return err
	}
	old, err := v.Data()
	if err != nil {
		return err
	}
	if v.Type() == kind && bytes.Equal(old, data) {
		return nil
	}
	if err := v.key.mayHaveValue(v.name, kind); err != nil {
		return err
	}
	if err := h.image.SetValueData(v.key.cell, v.cell, uint32(kind), data); err != nil {
		return err
	}
	h.image.SetLastWriteTime(v.key.cell, regf.Filetime(t))
	h.changed()
	return nil
}
