package sddl

import (
	"encoding/binary"
	"fmt"
)

// Types of entries (MS-DTYP 2.4.4.1).
const (
	typeAllow          = 0x00
	typeDeny           = 0x01
	typeAudit          = 0x02
	typeAlarm          = 0x03
	typeObjectAllow    = 0x05
	typeObjectDeny     = 0x06
	typeObjectAudit    = 0x07
	typeObjectAlarm    = 0x08
	typeMandatoryLabel = 0x11
	typeAttribute      = 0x12
	typeScopedPolicy   = 0x13
	typeTrustLabel     = 0x14
)

// Flags of an object entry.
const (
	objectPresent    = 1
	inheritedPresent = 2
)

// kind is a type of entries.
type kind struct {
	number byte
	text   string
}

// kinds are the types of entries that can be written.
var kinds = []kind{
	{typeAllow, "A"},
	{typeDeny, "D"},
	{typeAudit, "AU"},
	{typeAlarm, "AL"},
	{typeObjectAllow, "OA"},
	{typeObjectDeny, "OD"},
	{typeObjectAudit, "OU"},
	{typeObjectAlarm, "OL"},
	{typeMandatoryLabel, "ML"},
	{typeAttribute, "RA"},
	{typeScopedPolicy, "SP"},
	{typeTrustLabel, "TL"},
}

// callbackKinds are the types of entries that carry a condition, with their
// text where they have one.
var callbackKinds = []kind{
	{0x09, "XA"},
	{0x0A, "XD"},
	{0x0B, "ZA"},
	{0x0C, ""},
	{0x0D, "XU"},
	{0x0E, ""},
	{0x0F, ""},
	{0x10, ""},
	{0x15, "FL"},
}

// entry is an entry of an access list.
type entry struct {
	kind      byte
	flags     byte
	mask      uint32
	object    []byte // GUIDs of an object entry, nil where there is none
	inherited []byte
	trustee   []byte     // SID
	attribute *attribute // of a resource attribute entry
}

// isObject reports whether the entry has the form with GUIDs.
func (e *entry) isObject() bool { return isObject(e.kind) }

func isObject(kind byte) bool { return kind >= typeObjectAllow && kind <= typeObjectAlarm }

// findKind returns the kind with that number, nil when there is none.
func findKind(kinds []kind, number byte) *kind {
	for i := range kinds {
		if kinds[i].number == number {
			return &kinds[i]
		}
	}
	return nil
}

// decodeEntry reads an entry; b is all of it and has its header.
func decodeEntry(b []byte) (entry, error) {
	e := entry{kind: b[0], flags: b[1]}
	if known := findKind(callbackKinds, e.kind); known != nil {
		return e, fmt.Errorf("%w: type %#x (%s) carries a condition, which is not supported", ErrInexpressible, e.kind, kindName(known))
	}
	if findKind(kinds, e.kind) == nil {
		return e, fmt.Errorf("%w: the language has no word for type %#x", ErrInexpressible, e.kind)
	}
	at := trusteeOffset
	if e.isObject() {
		at = objectOffset
	}
	if len(b) < at {
		return e, unsound("it has %d bytes, want at least %d", len(b), at)
	}
	e.mask = binary.LittleEndian.Uint32(b[4:])
	if e.isObject() {
		var err error
		if at, err = e.decodeObjects(b); err != nil {
			return e, err
		}
	}
	var err error
	if e.trustee, err = cutSID(b[at:]); err != nil {
		return e, unsound("its SID %s", err)
	}
	if e.kind == typeAttribute {
		e.attribute, err = decodeAttribute(b[at+len(e.trustee):])
	}
	return e, err
}

func kindName(k *kind) string {
	if k.text == "" {
		return "which has no SDDL form"
	}
	return k.text
}

// decodeObjects reads the GUIDs of an object entry and returns where they end.
func (e *entry) decodeObjects(b []byte) (int, error) {
	flags := binary.LittleEndian.Uint32(b[trusteeOffset:])
	if flags&^(objectPresent|inheritedPresent) != 0 {
		return 0, fmt.Errorf("%w: object flags are %#x, the language knows %#x", ErrInexpressible, flags, objectPresent|inheritedPresent)
	}
	at := objectOffset
	for _, field := range []struct {
		flag uint32
		guid *[]byte
	}{{objectPresent, &e.object}, {inheritedPresent, &e.inherited}} {
		if flags&field.flag == 0 {
			continue
		}
		if len(b) < at+guidSize {
			return 0, unsound("it has %d bytes, want at least %d for its GUIDs", len(b), at+guidSize)
		}
		*field.guid = b[at : at+guidSize]
		at += guidSize
	}
	return at, nil
}

// size is the length of the entry in bytes.
func (e *entry) size() int {
	size := trusteeOffset + len(e.trustee)
	if e.isObject() {
		size += objectOffset - trusteeOffset + len(e.object) + len(e.inherited)
	}
	if e.attribute != nil {
		size += e.attribute.size()
	}
	return size
}

// append appends the bytes of the entry.
func (e *entry) append(b []byte) []byte {
	b = append(b, e.kind, e.flags)
	b = binary.LittleEndian.AppendUint16(b, uint16(e.size()))
	b = binary.LittleEndian.AppendUint32(b, e.mask)
	if e.isObject() {
		var flags uint32
		if e.object != nil {
			flags |= objectPresent
		}
		if e.inherited != nil {
			flags |= inheritedPresent
		}
		b = binary.LittleEndian.AppendUint32(b, flags)
		b = append(b, e.object...)
		b = append(b, e.inherited...)
	}
	b = append(b, e.trustee...)
	if e.attribute != nil {
		b = e.attribute.append(b)
	}
	return b
}
