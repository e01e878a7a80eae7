package salvage

import (
	"time"

	"hivepatch/hive"
	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// opened is a key that is being written.
type opened struct {
	index    int32
	next     int32 // the next subkey to write
	security int
}

// write writes the hive that was planned, with the values that can be read.
func (s *salvage) write(options Options) (*regf.Image, error) {
	s.writer = regf.NewWriter(s.image.Minor(), s.image.BinsSize())
	s.known = map[regf.Offset]int{}
	var err error
	if s.fallback, err = newDescriptor(); err != nil {
		return nil, err
	}
	path := []opened{}
	if err := s.openKey(&path, 0, options); err != nil {
		return nil, err
	}
	for len(path) > 0 {
		top := &path[len(path)-1]
		if top.next == none {
			if err := s.writer.CloseKey(); err != nil {
				return nil, err
			}
			path = path[:len(path)-1]
			continue
		}
		index := top.next
		top.next = s.after(index, top.index)
		if err := s.openKey(&path, index, options); err != nil {
			return nil, err
		}
	}
	block := s.image.BaseBlock()
	sequence := options.Sequence
	if sequence == 0 {
		sequence = txlog.Later(block.Sequence1(), block.Sequence2()) + 1
	}
	return s.writer.Finish(block.NewBlock(sequence, regf.Filetime(options.Time)))
}

// openKey writes a key with its values and puts it on the stack.
func (s *salvage) openKey(path *[]opened, index int32, options Options) error {
	k := s.keys[index]
	top := opened{index: index, next: s.firstOf(index), security: noDescriptor}
	if len(*path) > 0 {
		top.security = (*path)[len(*path)-1].security
	}
	var values []regf.ValueRecord
	made := regf.NewKey{LastWriteTime: regf.Filetime(options.Time)}
	if k.cell != regf.NIL {
		node, _, err := s.readKey(k.cell)
		if err != nil {
			return err
		}
		node.Describe(&made)
		values = s.values(index, node, &made)
		made.Class = s.class(index, node)
		top.security = s.descriptor(index, node, top.security)
	} else if index == 0 {
		made.Flags = regf.KeyHiveEntry | regf.KeyNoDelete
		top.security = s.anyDescriptor()
	}
	s.mendKey(index, &made)
	made.Security, made.Values = top.security, len(values)
	if len(*path) == regf.MaxDepth-1 {
		s.cutOff(index)
		top.next = none
	} else {
		made.Subkeys = s.countChildren(index)
	}
	if err := s.writer.OpenKey(&made); err != nil {
		return err
	}
	s.report.Keys++
	*path = append(*path, top)
	return s.writeValues(values)
}

func (s *salvage) countChildren(index int32) (n int) {
	for range s.subkeys(index) {
		n++
	}
	return n
}

// cutOff reports the subkeys of a key on the last level that Windows allows.
func (s *salvage) cutOff(index int32) {
	for i := range s.subkeys(index) {
		s.tell(i, Finding{Fate: LeftOut, What: "key", Offset: s.keys[i].cell.File(), Reason: "it lies too deep for Windows, with all that is below it"})
	}
}

// mendKey gives a key its name, and takes flags from it that it cannot have.
func (s *salvage) mendKey(index int32, k *regf.NewKey) {
	var why string
	if k.Name, why = s.nameOf(index); why != "" {
		s.tell(index, Finding{Fate: Guessed, What: "key", Offset: s.keys[index].cell.File(), Reason: why})
	}
	impossible := uint16(regf.KeyVolatile | regf.KeyHiveExit)
	if index > 0 {
		impossible |= regf.KeyHiveEntry
	}
	if k.Flags&impossible != 0 {
		s.tell(index, Finding{Fate: Guessed, What: "key", Offset: s.keys[index].cell.File(), Reason: "it has flags that no key on a disk has; they were taken away"})
		k.Flags &^= impossible
	}
}

// class returns the class name of a key, nil where it is lost.
func (s *salvage) class(index int32, node regf.KeyNode) []byte {
	length := node.ClassLength() &^ 1
	if length == 0 {
		return nil
	}
	class, err := s.content(node.Class(), length)
	if err == nil {
		if shared, ok := s.take(node.Class(), length); shared {
			err = errDuplicate
			if ok {
				s.tell(index, Finding{Fate: Guessed, What: "class name", Offset: node.Class().File(), Reason: "something else has its cell too"})
				err = nil
			}
		}
	}
	if err != nil {
		s.tell(index, Finding{Fate: Lost, What: "class name", Offset: node.Class().File(), Reason: reason(err)})
		return nil
	}
	return class
}

// noDescriptor stands for a security descriptor that cannot be read.
const noDescriptor = -1

// descriptor returns the number of the security descriptor of a key, or that of
// its parent.
func (s *salvage) descriptor(index int32, node regf.KeyNode, parent int) int {
	cell := node.Security()
	number, ok := s.known[cell]
	if !ok {
		number = s.readDescriptor(cell)
		s.known[cell] = number
	}
	if number != noDescriptor {
		return number
	}
	f := Finding{Fate: Guessed, What: "security descriptor", Offset: cell.File(), Reason: "it cannot be read; that of the parent was taken"}
	if parent == noDescriptor {
		f.Reason = "it cannot be read; that of another key was taken"
		parent = s.anyDescriptor()
	}
	s.tell(index, f)
	return parent
}

func (s *salvage) readDescriptor(cell regf.Offset) int {
	data, f, err := s.record(cell)
	if err != nil || f != sound {
		return noDescriptor
	}
	record, err := s.image.SecurityRecord(cell)
	if err != nil {
		return noDescriptor
	}
	descriptor, err := record.Descriptor()
	if err != nil || regf.SecurityRecordSize+len(descriptor) > len(data) || regf.ValidateDescriptor(descriptor) != nil {
		return noDescriptor
	}
	if shared, ok := s.take(cell, regf.SecurityRecordSize+len(descriptor)); shared && !ok {
		return noDescriptor
	}
	return s.writer.Security(descriptor)
}

// anyDescriptor returns the first descriptor of a key that can be read, or the
// one that new hives have.
func (s *salvage) anyDescriptor() int {
	const tries = 1000 // hostile hives have millions of bad ones
	for i, c := range s.candidates() {
		if i == tries {
			break
		}
		node, err := s.image.KeyNode(c.cell)
		if err != nil {
			continue
		}
		number, ok := s.known[node.Security()]
		if !ok {
			number = s.readDescriptor(node.Security())
			s.known[node.Security()] = number
		}
		if number != noDescriptor {
			return number
		}
	}
	return s.writer.Security(s.fallback)
}

// newDescriptor returns the security descriptor that new hives have.
func newDescriptor() ([]byte, error) {
	h, err := hive.New(5, time.Time{})
	if err != nil {
		return nil, err
	}
	root, err := h.Root()
	if err != nil {
		return nil, err
	}
	return root.SecurityDescriptor()
}
