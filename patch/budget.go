package patch

// Sizes of the heaps that the registry does not hold, in KB.
const (
	winlogonKB32, disconnectKB32 = 128, 64
	winlogonKB64, disconnectKB64 = 192, 96
)

// Windows before Vista has one view of this many MB for the heaps of every
// desktop unless SessionViewSize says otherwise.
const defaultSessionViewMB = 48

// Budget is what the heap sizes cost and what they are good for. None of it
// can know how much of a heap is in use.
type Budget struct {
	// ReservationKB is what win32k reserves in one piece when the first session
	// starts: one interactive heap, ten non-interactive ones, Winlogon and
	// Disconnect. When that fails, Windows goes on with 512 and 128 KB.
	// Observed behaviour of Windows 10 and 11, unconfirmed.
	ReservationKB uint64
	// Wraps is set when the reservation in bytes does not fit in 32 bits.
	Wraps bool
	// FewestProcesses and MostProcesses bound how many processes one
	// non-interactive desktop has been seen to hold: 32 and 7 KB for each. It is
	// a range from public reports and never a promise.
	FewestProcesses, MostProcesses uint32

	fixedKB, interactiveKB, noninteractiveKB uint64
}

// Budget works out what the sizes cost. Where the number of bits is unknown
// it takes the larger fixed heaps of 64-bit Windows.
func (w Win32k) Budget(system System) Budget {
	fixed := uint64(winlogonKB64 + disconnectKB64)
	if system.Bits == 32 {
		fixed = winlogonKB32 + disconnectKB32
	}
	b := Budget{
		FewestProcesses:  w.NoninteractiveKB / 32,
		MostProcesses:    w.NoninteractiveKB / 7,
		fixedKB:          fixed,
		interactiveKB:    uint64(w.InteractiveKB),
		noninteractiveKB: uint64(w.NoninteractiveKB),
	}
	b.ReservationKB = b.interactiveKB + 10*b.noninteractiveKB + fixed
	b.Wraps = b.ReservationKB*1024 > 0xFFFFFFFF
	return b
}

// Desktops returns how many non-interactive desktops fit beside one
// interactive session in the session view space of a Windows before Vista.
// sessionViewMB is the value SessionViewSize, 0 where there is none in the
// registry, which stands for 48 MB. Fonts and printer drivers share the space,
// so that the true number is smaller.
func (b Budget) Desktops(sessionViewMB uint32) uint64 {
	if sessionViewMB == 0 {
		sessionViewMB = defaultSessionViewMB
	}
	space, taken := uint64(sessionViewMB)*1024, b.interactiveKB+b.fixedKB
	if space < taken || b.noninteractiveKB == 0 {
		return 0
	}
	return (space - taken) / b.noninteractiveKB
}
