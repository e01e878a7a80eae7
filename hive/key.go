package hive

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"time"

	"hivepatch/hive/internal/bitmap"
	"hivepatch/hive/internal/regf"
)

// MaxDepth is the number of levels of keys that Windows allows.
const MaxDepth = 512

// Key is a key of a hive.
type Key struct {
	hive   *Hive
	parent *Key // nil for the root
	cell   regf.Offset
	layout int // of the image when cell was found, see Hive.tidy
	name   string
}

func (h *Hive) newKey(parent *Key, node regf.KeyNode) *Key {
	return &Key{hive: h, parent: parent, cell: node.Offset, layout: h.image.Layout(), name: node.Name().String()}
}

// Key returns the key at path, with components separated by backslashes and
// without the name of the root; "" is the root. Case does not matter. Where
// the hive has a Select key, a first component CurrentControlSet stands for
// the control set that Select names. It returns an error that wraps
// ErrNotFound when there is no such key, or a FormatError.
func (h *Hive) Key(path string) (*Key, error) {
	path, err := h.resolveControlSet(path)
	if err != nil {
		return nil, err
	}
	key, err := h.Root()
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(path, `\`) {
		if name == "" {
			continue
		}
		if key, err = key.Subkey(name); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// node returns the key's record as it stands in the image now.
func (k *Key) node() (regf.KeyNode, error) {
	if err := k.refresh(); err != nil {
		return regf.KeyNode{}, err
	}
	return k.hive.image.KeyNode(k.cell)
}

// refresh finds the key's cell again after all cells have moved. Several readers
// may use one handle, or handles with one parent.
func (k *Key) refresh() error {
	if k.hive.image.Layout() == 0 {
		return nil // cells have never moved
	}
	k.hive.finding.Lock()
	defer k.hive.finding.Unlock()
	return k.find()
}

func (k *Key) find() error {
	image := k.hive.image
	if k.layout == image.Layout() {
		return nil
	}
	if k.parent == nil {
		k.cell, k.layout = image.BaseBlock().RootCell(), image.Layout()
		return nil
	}
	if err := k.parent.find(); err != nil {
		return err
	}
	above, err := image.KeyNode(k.parent.cell)
	if err != nil {
		return err
	}
	name, err := regf.NewName(k.name)
	if err != nil {
		return err
	}
	node, found, err := image.FindSubkey(above, name)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%s: %w", describeKey(k.Path()), ErrNotFound)
	}
	k.cell, k.layout = node.Offset, image.Layout()
	return nil
}

// current is the key's cell as it is now. Where the key is gone it is the one
// that it had.
func (k *Key) current() regf.Offset {
	_ = k.refresh() // a reader of a key that is gone will see it
	return k.cell
}

// Name returns the key's name as stored.
func (k *Key) Name() string { return k.name }

// Path returns the names from below the root to the key, joined by
// backslashes; "" for the root.
func (k *Key) Path() string {
	var path strings.Builder
	k.writePath(&path, 0)
	return path.String()
}

// writePath writes the path of the key, which that many bytes will follow.
func (k *Key) writePath(path *strings.Builder, follow int) {
	if k.parent == nil {
		path.Grow(follow)
		return
	}
	k.parent.writePath(path, len(`\`)+len(k.name)+follow)
	if !k.parent.IsRoot() {
		path.WriteByte('\\')
	}
	path.WriteString(k.name)
}

// IsRoot reports whether the key is the root of its hive. In a damaged one there
// may be other keys whose Path is "": they have no name.
func (k *Key) IsRoot() bool { return k.parent == nil }

// Ancestry returns the keys from the root to k, both included.
func (k *Key) Ancestry() []*Key {
	if k.parent == nil {
		return []*Key{k}
	}
	return append(k.parent.Ancestry(), k)
}

// Offset returns the absolute file offset of the key's cell.
func (k *Key) Offset() int64 { return k.current().File() }

// LastWriteTime returns when the key, its values or its list of subkeys were
// last changed, in UTC, or the zero time when the key is gone.
func (k *Key) LastWriteTime() time.Time {
	node, err := k.node()
	if err != nil {
		return time.Time{}
	}
	return regf.Time(node.LastWriteTime())
}

// Class returns the key's class name, "" when it has none. It returns a
// FormatError when its cell is unsound.
func (k *Key) Class() (string, error) {
	node, err := k.node()
	if err != nil {
		return "", err
	}
	return k.hive.image.ClassName(node)
}

// SecurityDescriptor returns a copy of the key's self-relative security
// descriptor. It returns a FormatError when its record is unsound.
func (k *Key) SecurityDescriptor() ([]byte, error) {
	node, err := k.node()
	if err != nil {
		return nil, err
	}
	record, err := k.hive.image.SecurityRecord(node.Security())
	if err != nil {
		return nil, err
	}
	descriptor, err := record.Descriptor()
	return bytes.Clone(descriptor), err
}

// Counts returns the numbers of subkeys and values that the key declares.
func (k *Key) Counts() (subkeys, values int, err error) {
	node, err := k.node()
	if err != nil {
		return 0, 0, err
	}
	return int(node.SubkeyCount()), int(node.ValueCount()), nil
}

// Subkeys iterates over the subkeys that the key has now, in stored order. What
// cannot be read comes as an error; the iteration then goes on. The key just
// yielded may be edited or deleted.
func (k *Key) Subkeys() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		node, err := k.node()
		if err != nil {
			yield(nil, err)
			return
		}
		defer k.hive.iterate()()
		cells, faults := k.hive.image.SubkeyCells(node)
		for _, err := range faults {
			if !yield(nil, err) {
				return
			}
		}
		room := room{hive: k.hive}
		for _, cell := range cells {
			node, err := k.hive.image.KeyNode(cell)
			switch {
			case err != nil:
				if !yield(nil, err) {
					return
				}
			case !room.holds(node.Record()):
				yield(nil, k.corrupt("the list of subkeys ends here: it names more than the hive has room for"))
				return
			case !yield(k.hive.newKey(k, node), nil):
				return
			}
		}
	}
}

// room is what a hive has for records: the lists of one that is damaged may name
// a long record many times, or records that overlap.
type room struct {
	hive  *Hive
	taken int64 // bytes
}

// holds reports whether there is room for one more record.
func (r *room) holds(record []byte) bool {
	r.taken += int64(len(record))
	return r.taken <= int64(r.hive.image.BinsSize())
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + `\` + name
}

// Subkey returns the subkey of that name, without regard to case. It returns
// an error that wraps ErrNotFound when there is none, or a FormatError.
func (k *Key) Subkey(name string) (*Key, error) {
	node, err := k.node()
	if err != nil {
		return nil, err
	}
	encoded, err := regf.NewName(name)
	if err != nil {
		return nil, err
	}
	child, found, err := k.hive.image.FindSubkey(node, encoded)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("%s: %w", describeKey(joinPath(k.Path(), name)), ErrNotFound)
	}
	return k.hive.newKey(k, child), nil
}

// Walk iterates over all keys, parents before children, subkeys in stored
// order. Each key comes once, and there is an end to the errors, so that loops
// in a damaged hive do no harm; what cannot be read comes as an error. Keys
// below MaxDepth levels are left out with an error.
func (h *Hive) Walk() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		root, err := h.Root()
		if err != nil {
			yield(nil, err)
			return
		}
		root.walk(yield, 1)
	}
}

// walk walks k, which lies at that depth, and the keys below it.
func (k *Key) walk(yield func(*Key, error) bool, depth int) {
	if err := k.refresh(); err != nil {
		yield(nil, err)
		return
	}
	defer k.hive.iterate()()
	image := k.hive.image
	w := walk{yield: yield, seen: bitmap.New(image.BinsSize()/8 + 1), left: image.MaxEntries(), room: room{hive: k.hive}}
	w.seen.Add(uint32(k.cell / 8))
	w.key(k, depth)
}

type walk struct {
	yield func(*Key, error) bool
	seen  bitmap.Bitmap // by offset / 8
	left  int           // entries of lists that the hive can still have room for
	room  room
}

// key yields k and all below it, and reports whether to go on. Its recursion
// is bounded by MaxDepth.
func (w *walk) key(k *Key, depth int) bool {
	if depth > MaxDepth {
		return w.yield(nil, k.corrupt("lies deeper than %d levels", MaxDepth))
	}
	if !w.yield(k, nil) {
		return false
	}
	node, err := k.node()
	if err != nil {
		return w.yield(nil, err)
	}
	cells, faults := k.hive.image.SubkeyCells(node)
	if w.left -= len(cells) + len(faults); w.left < 0 {
		w.yield(nil, k.corrupt("the walk ends here: lists of subkeys lead to each other without end"))
		return false
	}
	for _, err := range faults {
		if !w.yield(nil, err) {
			return false
		}
	}
	for _, cell := range cells {
		if !w.subkey(k, cell, depth+1) {
			return false
		}
	}
	return true
}

// subkey yields the subkey of k in a cell and all below it, where it was not met
// before.
func (w *walk) subkey(k *Key, cell regf.Offset, depth int) bool {
	node, err := k.hive.image.KeyNode(cell)
	switch {
	case err != nil:
		return w.yield(nil, err)
	case w.seen.Has(uint32(cell / 8)):
		return w.yield(nil, &FormatError{Off: cell.File(), Struct: "nk", Msg: fmt.Sprintf("is reached a second time, from the key at %#x", k.Offset())})
	case !w.room.holds(node.Record()):
		w.yield(nil, k.corrupt("the walk ends here: keys overlap"))
		return false
	}
	w.seen.Add(uint32(cell / 8))
	return w.key(k.hive.newKey(k, node), depth)
}

func (k *Key) corrupt(format string, args ...any) error {
	return &FormatError{Off: k.cell.File(), Struct: "nk", Msg: fmt.Sprintf(format, args...)}
}
