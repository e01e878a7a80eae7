package regf

// Fields of the base block that tell who had the hive. Windows before Vista has
// garbage there.

// HasManagers reports whether the GUIDs and flags mean something: where they
// have their signature, and in differencing hives.
func (b BaseBlock) HasManagers() bool { return b.GuidSignature() == "rmtm" || b.Minor() == 6 }

// RM is the GUID of the resource manager.
func (b BaseBlock) RM() [16]byte { return [16]byte(b[0x70:0x80]) }

// Log is the GUID of the transaction manager's log, mostly the same.
func (b BaseBlock) Log() [16]byte { return [16]byte(b[0x80:0x90]) }

// TM is the GUID of the transaction manager.
func (b BaseBlock) TM() [16]byte { return [16]byte(b[0x94:0xA4]) }

// The mark of the Offline Registry Library, at one place since Windows 8 and at
// another before.
const (
	offlineMark    = "OfRg"
	offlineMarkAt  = 0xB0
	earlierMarkAt  = 0xA8
	reorganizedAt  = 0xA8
	reorganizeKind = 3 // the two lowest bits of the time tell the kind of it
)

// OfflineLibrary reports whether the Offline Registry Library wrote the hive.
func (b BaseBlock) OfflineLibrary() bool {
	return string(b[offlineMarkAt:offlineMarkAt+4]) == offlineMark || b.hasEarlierMark()
}

func (b BaseBlock) hasEarlierMark() bool {
	return string(b[earlierMarkAt:earlierMarkAt+4]) == offlineMark
}

// Reorganized is the FILETIME of the last reorganisation, 0 where there was
// none or the field is something else.
func (b BaseBlock) Reorganized() uint64 {
	if !b.HasManagers() || b.hasEarlierMark() {
		return 0
	}
	return b.u64(reorganizedAt) &^ reorganizeKind
}
