package regf

// waste is what edits have left unused, as far as it is their doing.
type waste struct {
	edits    int    // since the image was parsed
	freed    uint64 // bytes given back since the image was last laid out anew
	before   uint32 // bytes that were free before the first edit, or since the image was last laid out anew
	measured bool   // before is known
	endured  bool   // the image cannot be laid out anew
	layout   int    // see Layout
}

const (
	fewEdits   = 256 // fewer leave cells where they are, whatever it costs
	wasteShare = 20  // of the bins may be wasted
	freedShare = 32  // of the bins must be freed before they are laid out again
)

// found notes the bytes that are free when they are first counted.
func (w *waste) found(free uint32) {
	if !w.measured {
		w.before, w.measured = free, true
	}
}

// Layout is a number that changes when all cells move.
func (m *Image) Layout() int { return m.waste.layout }

// Tidy lays the image out anew, as Compact does, when many edits have left more
// than a twentieth of the bins free or unused. The cost of it is shared by the
// edits that freed so much; lists that grow or are split do not count, since
// they would be trimmed only to grow again, and filled only to be split again. A
// hive in which some cells cannot be told, or of which the free cells are not to
// be touched, stays as it is.
func (m *Image) Tidy() {
	if !m.wasteful() {
		return
	}
	compact, err := m.Compact()
	if err != nil || SameContent(m, compact) != nil {
		m.waste.endured = true
		return
	}
	m.replace(compact)
}

func (m *Image) wasteful() bool {
	w := &m.waste
	if w.edits < fewEdits || w.freed < uint64(m.BinsSize()/freedShare) || w.endured || m.leaveFree || m.free == nil || len(m.Trailing()) > 0 {
		return false
	}
	return uint64(m.free.bytes)+uint64(m.slack) > uint64(w.before)+uint64(m.BinsSize()/wasteShare)
}

// replace takes over the bins of an image with the same content.
func (m *Image) replace(compact *Image) {
	m.remember(0, len(m.data))
	m.data = append(m.data[:0], compact.data...)
	m.binOf = compact.binOf
	m.free, m.slack = nil, 0
	clear(m.emptied)
	clear(m.journal.labels)
	m.known.forgetAll()
	m.waste.measured, m.waste.freed = false, 0
	m.waste.layout++
}
