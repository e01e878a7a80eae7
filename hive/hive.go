// Package hive reads and edits offline Windows registry hives (regf files).
//
// A hive is opened from its bytes, together with its transaction logs where
// there are any:
//
//	h, err := hive.Open(data, hive.WithLogs(logs...))
//	key, err := h.Key(`CurrentControlSet\Control\Session Manager\SubSystems`)
//	value, err := key.Value("Windows")
//
// Names are strings in WTF-8: UTF-8 in which unpaired surrogates, which occur
// in real hives, survive. Look-ups ignore case as Windows does. Nothing that a
// hive says about itself is believed before it has been held against the bytes
// that are there; damage gives a FormatError, never a panic.
//
// An edit changes the bytes it must and no others. [Hive.Changes] lists them,
// and [Hive.Seal] finishes the hive so that Windows loads it as clean.
//
// A Hive is not safe for use by several goroutines while one of them edits.
package hive

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hivepatch/hive/internal/regf"
	"hivepatch/hive/txlog"
)

// Errors that callers branch on. They come wrapped, with the place and cause.
var (
	// ErrNotHive is returned when the data is no hive of a known version.
	ErrNotHive = regf.ErrNotHive
	// ErrCorrupt is returned when a structure breaks a rule of the format.
	ErrCorrupt = regf.ErrCorrupt
	// ErrTooLarge is returned when something would pass a limit of the format.
	ErrTooLarge = regf.ErrTooLarge
	// ErrDirty is returned when a hive needs recovery and the logs it was
	// given do not allow it.
	ErrDirty = errors.New("hive is dirty and cannot be recovered from its logs")
	// ErrNotFound is returned when a key or value does not exist.
	ErrNotFound = errors.New("not found")
	// ErrReadOnly is returned when the hive's version can be read but not
	// edited: 1.0, 1.1 and 1.6.
	ErrReadOnly = errors.New("hives of this version are read-only")
)

// FormatError says where a hive breaks a rule of the format. It unwraps to
// ErrCorrupt.
type FormatError = regf.FormatError

// Change is a run of bytes that an edit or the recovery has changed.
type Change = regf.Change

// BaseBlockSize is the length in bytes of what precedes the first bin in a hive.
const BaseBlockSize = regf.BaseBlockSize

// Hive is a registry hive in memory.
type Hive struct {
	image     *regf.Image
	recovery  *txlog.Plan
	recovered bool   // and not sealed since
	edited    bool   // and not sealed since
	floor     uint32 // highest sequence number in the logs
	hasFloor  bool
	iterating atomic.Int32 // iterations that hold cells
	finding   sync.Mutex   // held while handles find their cells again
}

// Option changes how Open treats a hive.
type Option func(*openOptions)

type openOptions struct {
	logs, above []txlog.Log
	ignoreDirty bool
	tolerant    bool
}

// WithLogs gives Open the hive's transaction logs. A dirty hive is recovered
// from them; for a clean one they only say which sequence numbers to stay
// above.
func WithLogs(logs ...txlog.Log) Option { return func(o *openOptions) { o.logs = logs } }

// StayAbove names further logs that lie beside the hive: nothing is applied from
// them, but Seal goes beyond their numbers.
func StayAbove(logs ...txlog.Log) Option { return func(o *openOptions) { o.above = logs } }

// IgnoreDirty opens a dirty hive as it is, without recovery. What Windows had
// written to its logs only is then not in the hive.
func IgnoreDirty() Option { return func(o *openOptions) { o.ignoreDirty = true } }

// Tolerant opens a hive whose bins are broken or cut off. What lies in the
// sound ones can be read. Where bins are cut off, every edit returns ErrCorrupt:
// new ones would take the place of those that cells still refer to.
func Tolerant() Option { return func(o *openOptions) { o.tolerant = true } }

// Open opens the hive in data, which the Hive then owns: recovery and edits
// change it in place. It returns ErrNotHive, ErrDirty or ErrCorrupt.
func Open(data []byte, options ...Option) (*Hive, error) {
	var o openOptions
	for _, option := range options {
		option(&o)
	}
	h := &Hive{}
	h.floor, h.hasFloor = txlog.HighestSequence(slices.Concat(o.logs, o.above))
	if err := h.parse(data, o); err != nil {
		return nil, err
	}
	if o.tolerant {
		return h, nil
	}
	var first error
	h.image.Damage(func(damage *FormatError) {
		if first == nil {
			first = damage
		}
	})
	if first != nil {
		return nil, first
	}
	return h, nil
}

func (h *Hive) parse(data []byte, o openOptions) error {
	state, err := txlog.Examine(data)
	if err != nil {
		return err
	}
	if !state.Dirty() || o.ignoreDirty {
		h.image, err = regf.Parse(data)
		return err
	}
	plan, err := txlog.NewPlan(data, o.logs)
	switch {
	case errors.Is(err, ErrNotHive):
		return err
	case err != nil:
		return fmt.Errorf("%w: %s; %w", ErrDirty, state.Reason, err)
	}
	h.recovery, h.recovered = plan, true
	h.image, err = regf.Recover(data, regf.Recovery{
		Header:   plan.Header,
		Pages:    plan.Pages,
		BinsSize: plan.BinsSize,
		Flags:    plan.Flags,
		Sequence: plan.Sequence,
	})
	return err
}

// Bytes returns the hive as it stands. It is the hive's own memory, not a
// copy: it is valid until the next edit and must not be changed.
func (h *Hive) Bytes() []byte { return h.image.Bytes() }

// Recovery returns what was applied from the logs when the hive was opened,
// or nil.
func (h *Hive) Recovery() *txlog.Plan { return h.recovery }

// Version returns the version of the hive's format, such as 1 and 5.
func (h *Hive) Version() (major, minor uint32) {
	block := h.image.BaseBlock()
	return block.Major(), block.Minor()
}

// Sequences returns the two sequence numbers as they stand. They are equal in
// a clean hive.
func (h *Hive) Sequences() (first, second uint32) {
	block := h.image.BaseBlock()
	return block.Sequence1(), block.Sequence2()
}

// Clean reports whether Windows would load the hive without recovery.
func (h *Hive) Clean() bool { return !h.image.BaseBlock().Dirty() }

// TransactionsPending reports whether the hive's flag for the kernel
// transaction manager is set: transactions may be rolled forward when Windows
// loads the hive. Clean hives taken from running systems often have it.
func (h *Hive) TransactionsPending() bool {
	block := h.image.BaseBlock()
	return block.GuidSignature() == "rmtm" && block.Flags()&regf.FlagTransactions != 0
}

// Root returns the root key. It returns a FormatError when the root cell is
// unsound.
func (h *Hive) Root() (*Key, error) {
	node, err := h.image.KeyNode(h.image.BaseBlock().RootCell())
	if err != nil {
		return nil, err
	}
	return h.newKey(nil, node), nil
}

// Modified reports whether the hive differs from the bytes it was opened from.
func (h *Hive) Modified() bool { return len(h.image.Changes()) > 0 }

// Changes lists the runs of bytes that differ from those the hive was opened
// from, in order of offset.
func (h *Hive) Changes() []Change { return h.image.Changes() }

// BinAt returns the file offset of the bin that holds a file offset, and false
// where there is none.
func (h *Hive) BinAt(offset int64) (int64, bool) { return h.image.BinAt(offset) }

// LeaveFreeCells makes all later edits take new space at the end of the hive
// only. In a damaged hive a cell that is marked free may still be in use.
func (h *Hive) LeaveFreeCells() { h.image.LeaveFreeCells() }

// Editable returns nil when the hive's version can be edited, and an error
// that wraps ErrReadOnly when it can only be read.
func (h *Hive) Editable() error {
	switch minor := h.image.Minor(); minor {
	case 0, 1:
		return fmt.Errorf("%w: 1.%d keeps cells in the layout of Windows NT 3.1", ErrReadOnly, minor)
	case 6:
		return fmt.Errorf("%w: 1.%d is a differencing hive, a patch over another one", ErrReadOnly, minor)
	}
	return nil
}

// Seal writes the base block of a hive that was edited or recovered, or opened
// dirty on purpose: equal sequence numbers above every number in the hive and
// its logs, so that no log can ever be applied over it, the time t, and the
// checksum. It does nothing to a clean hive that was not changed.
func (h *Hive) Seal(t time.Time) {
	h.tidy()
	block := h.image.BaseBlock()
	if !h.edited && !h.recovered && !block.Dirty() {
		return
	}
	sequence := txlog.Later(block.Sequence1(), block.Sequence2())
	if h.edited || !h.recovered {
		sequence++
	}
	if h.hasFloor {
		sequence = txlog.Later(sequence, h.floor+1)
	}
	h.image.Seal(sequence, regf.Filetime(t))
	h.edited, h.recovered = false, false
}

// tidy lays the hive out anew where many edits have left much free space in it.
// Keys and values find their cells again by their names; iterations could not.
func (h *Hive) tidy() {
	if h.iterating.Load() > 0 {
		return
	}
	layout := h.image.Layout()
	h.image.Tidy()
	h.edited = h.edited || h.image.Layout() != layout
}

// changed notes an edit, after which all cells may move: an edit that fails
// must leave them where they are.
func (h *Hive) changed() {
	h.edited = true
	h.tidy()
}

// iterate notes that an iteration holds cells until the returned function is
// called.
func (h *Hive) iterate() (done func()) {
	h.iterating.Add(1)
	return func() { h.iterating.Add(-1) }
}
